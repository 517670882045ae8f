import { workers } from 'heddle'

export const { double, length, spin } = workers(import.meta.url, {
  double: (/** @type {number} */ n) => n * 2,
  length: (/** @type {string} */ text) => text.length,
  /** Holds its thread. */
  spin: (/** @type {number} */ ms) => {
    const until = performance.now() + ms
    while (performance.now() < until);
    return ms
  },
})
