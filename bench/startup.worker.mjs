import { workers } from 'heddle'

export const { double } = workers(import.meta.url, {
  /** @param {number} x */
  double: (x) => 2 * x,
})
