// @ts-check
/** The work itself, which knows nothing of pools: the mean of each square of pixels. */

/**
 * @param {Float64Array} pixels row by row
 * @param {number} width
 * @param {number} factor the side of a square
 */
export function downsample(pixels, width, factor) {
  const across = Math.floor(width / factor)
  const down = Math.floor(pixels.length / width / factor)
  const small = new Float64Array(across * down)
  for (let y = 0; y < down * factor; y++) {
    for (let x = 0; x < across * factor; x++) {
      const at = Math.floor(y / factor) * across + Math.floor(x / factor)
      small[at] = (small[at] ?? 0) + (pixels[y * width + x] ?? 0) / factor ** 2
    }
  }
  return small
}

/** @param {number} seed */
export function picture(seed, size = 256) {
  if (seed % 13 === 12) throw new RangeError(`Picture ${seed} is broken`)
  return Float64Array.from({ length: size * size }, (_, i) => ((i * (seed + 1)) % 251) / 251)
}
