/** What passes from the model that finds lines to the one that reads them. */

/** The model that reads was trained on lines of that many pixels in height. */
export const lineHeight = 48

/** A rectangle in pixels. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** One line, cut out of its picture. */
export interface Line {
  /** Red, green and blue of each pixel, row by row; `lineHeight` rows. */
  readonly pixels: Uint8Array
  readonly width: number
  /** Where it was. */
  readonly box: Box
}

/** Pictures of red, green and blue bytes as the models want them: blue, green and red each in a plane, from -1 to 1, with 0 where a picture is narrower than `width`. */
export function planes(
  pictures: readonly { readonly pixels: Uint8Array; readonly width: number }[],
  width: number,
  height: number,
): Float32Array {
  const plane = width * height
  const all = new Float32Array(pictures.length * 3 * plane)
  for (const [i, { pixels, width: own }] of pictures.entries())
    for (let y = 0; y < height; y++)
      for (let x = 0; x < own; x++)
        for (let c = 0; c < 3; c++)
          all[(i * 3 + 2 - c) * plane + y * width + x] = (pixels[(y * own + x) * 3 + c] as number) / 127.5 - 1
  return all
}
