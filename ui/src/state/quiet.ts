/**
 * While a program runs, answers may be older than what was asked for, so as not to slow it. Then the next change asks again, and word comes until
 * then; but where a program blocks its thread nothing comes, and the page must ask by itself.
 */

/** Above the time between two words on two busy cores. */
const quietMs = 3_000

let words = 0

/** The server has said something. */
export function heard(): void {
  words++
}

/** Calls `then` once nothing has been heard for three seconds. */
export function whenQuiet(then: () => void): void {
  const before = words
  setTimeout(() => (words === before ? then() : whenQuiet(then)), quietMs)
}
