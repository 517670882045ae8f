import { workers } from 'heddle'

export const { double, length } = workers(import.meta.url, {
  double: (/** @type {number} */ n) => n * 2,
  length: (/** @type {string} */ text) => text.length,
})
