/** Pictures of one megabyte, blurred and sharpened; their buffers move to the workers and back. */
import { map, transfer, workers } from 'heddle'
import { randomFrom } from './data.mjs'
import { consent } from './program.mjs'

const width = 1_024
/** A blur and an edge filter, three by three. */
const kernels = [[1, 2, 1, 2, 4, 2, 1, 2, 1].map((weight) => weight / 16), [0, -1, 0, -1, 5, -1, 0, -1, 0]]

/** @param {Uint8Array} pixels grey, {@link width} wide */
function filter(pixels) {
  let from = pixels
  for (const [a, b, c, d, e, f, g, h, i] of kernels) {
    const to = new Uint8ClampedArray(from.length)
    for (let at = width + 1; at < from.length - width - 1; at++) {
      const [up, down] = [at - width, at + width]
      to[at] =
        a * from[up - 1] +
        b * from[up] +
        c * from[up + 1] +
        d * from[at - 1] +
        e * from[at] +
        f * from[at + 1] +
        g * from[down - 1] +
        h * from[down] +
        i * from[down + 1]
    }
    from = new Uint8Array(to.buffer)
  }
  return from
}

const contained = workers(
  import.meta.url,
  { filter: (/** @type {Uint8Array} */ pixels) => transfer(filter(pixels)) },
  consent(import.meta.url),
)
export const byHand = { filterAll: (/** @type {Uint8Array[]} */ pictures) => pictures.map(filter) }

/** @type {Record<string, import('./program.mjs').Program<number, Uint8Array[]>>} */
export const programs = {
  'image filters, moved': {
    sizes: { small: 8, full: 64 },
    prepare: (pictures) => Array.from({ length: pictures }, (_, i) => Uint8Array.from({ length: width * 1_024 }, randomFrom(i))),
    fresh: (pictures) => pictures.map((picture) => picture.slice()),
    loop: (pictures) => pictures.map(filter),
    heddle: (pictures) =>
      map(
        pictures.map((picture) => transfer(picture)),
        contained.filter,
      ),
    byHand: async (pictures, hand) =>
      (await hand.halves('filterAll', pictures, (part) => part.map(({ buffer }) => buffer))).flat(),
    wanted: { overLoop: 1.8 },
  },
}
