import { workers } from 'heddle'

export const { work } = workers(import.meta.url, {
  /** About a millisecond of arithmetic, the same whoever else wants the core. @param {number} seed */
  work(seed) {
    let sum = 0
    for (let i = 1; i < 200_000; i++) sum += Math.sqrt(i ^ seed)
    return sum
  },
})
