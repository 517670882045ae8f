/**
 * While a program runs, answers may be older than what was asked for, so as not to slow it. Then the next change asks again, and word comes until
 * then; but where a program blocks its thread nothing comes, and the page must ask by itself.
 */

/** Above the four seconds between two words on a single busy core. */
const quietMs = 5_000

let words = 0

/** The server has said something. */
export function heard(): void {
  words++
}

/** Calls `then` once nothing has been heard for five seconds, unless the function that is returned is called before. */
export function whenQuiet(then: () => void): () => void {
  let before = words
  const timer = setInterval(() => {
    if (words === before) {
      clearInterval(timer)
      then()
    } else before = words
  }, quietMs)
  return () => clearInterval(timer)
}
