/** A task of a known length, for what recording it costs. */
import { workers } from 'heddle'

export const { spin } = workers(import.meta.url, {
  /** Arithmetic of about 20 µs, the same whoever else wants the core. @param {number} x */
  spin(x) {
    let sum = 0
    for (let i = 1; i < 9_000; i++) sum += Math.sqrt(i ^ x)
    return sum > 0 ? x * 2 : 0
  },
})
