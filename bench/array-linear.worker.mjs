/** The filter of array-linear.bench.mjs: the mean of each element and its eight neighbours. */
import { workers } from 'heddle'

export const { blur } = workers(import.meta.url, {
  /** @param {import('heddle/array').Block} block */
  blur({ data, shape }) {
    const [rows, columns] = /** @type {[number, number]} */ (shape)
    const from = /** @type {Float64Array} */ (data)
    // In shared memory, so that it is not copied on its way back.
    const out = new Float64Array(new SharedArrayBuffer(8 * from.length))
    for (let i = 1; i < rows - 1; i++) {
      for (let j = 1, at = i * columns + 1; j < columns - 1; j++, at++) {
        const [above, below] = [at - columns, at + columns]
        out[at] =
          (from[above - 1] +
            from[above] +
            from[above + 1] +
            from[at - 1] +
            from[at] +
            from[at + 1] +
            from[below - 1] +
            from[below] +
            from[below + 1]) /
          9
      }
    }
    return out
  },
})
