/** A tile of the Mandelbrot set, as grey values: work for the processor, and nothing else. */
const most = 400

/** @returns false where `stop` has said so meanwhile */
export function drawTile(pixels: Uint8Array, size: number, x: number, y: number, stop: () => boolean): boolean {
  for (let row = 0; row < size; row++) {
    if (stop()) return false
    for (let column = 0; column < size; column++) {
      pixels[row * size + column] = shade(-0.8 + (x + column / size) / 64, 0.05 + (y + row / size) / 64)
    }
  }
  return true
}

function shade(cx: number, cy: number): number {
  let [a, b, steps] = [0, 0, 0]
  while (a * a + b * b < 4 && steps < most) {
    const next = a * a - b * b + cx
    b = 2 * a * b + cy
    a = next
    steps++
  }
  return (steps * 255) / most
}
