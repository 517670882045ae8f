/** Sends a batch, and finds the items that it is rejected for. */
import { BudgetExceeded, Cancelled, CircuitOpen, Closed, describe, HeddleError, isError, Overflow } from '../base/errors.ts'
import { isOverload } from '../limits/transient.ts'

/** Where the results of a batch go. */
export interface Recipient {
  /** False when nobody waits for it any more: then it is not sent again. */
  readonly open: boolean
  succeed(value: unknown): void
  fail(error: unknown): void
}

/** Rejections that no part of the batch would escape. */
const ofEveryPart = [Cancelled, CircuitOpen, Closed, BudgetExceeded, Overflow]

/** Rejections in a row, beyond those on the way down to one bad item, that mean that all would be rejected; chosen, as for a breaker. */
const patience = 5

/**
 * Sends the batch; when the whole of it is rejected, sends it again in two halves, one after the other, until the bad items are
 * alone. It gives up, and fails what is left, when the error is one of overload or of being refused or cancelled, or when so many
 * calls in a row were rejected that the items cannot be the reason: for a batch of n, ⌈log₂ n⌉ + 6 calls.
 *
 * @param send makes one call for these recipients
 */
export async function sendSplit<R extends Recipient>(
  batch: readonly R[],
  send: (part: readonly R[]) => Promise<unknown>,
): Promise<void> {
  const allowed = Math.ceil(Math.log2(batch.length)) + 1 + patience
  let rejected = 0
  const parts: (readonly R[])[] = [batch]
  for (let part = parts.pop(); part; part = parts.pop()) {
    const left = part.filter(({ open }) => open)
    if (left.length === 0) continue
    try {
      deliver(left, await send(left))
      rejected = 0
    } catch (error) {
      if (left.length === 1 && !hopeless(error) && rejected + 1 < allowed) left[0]?.fail(error)
      else if (hopeless(error) || rejected + 1 >= allowed) return failAll([left, ...parts], error)
      else {
        const middle = Math.ceil(left.length / 2)
        // The first half is sent next.
        parts.push(left.slice(middle), left.slice(0, middle))
      }
      rejected++
    }
  }
}

function hopeless(error: unknown): boolean {
  return error instanceof WrongShape || isOverload(error) || ofEveryPart.some((type) => error instanceof type)
}

function failAll(parts: readonly (readonly Recipient[])[], error: unknown): void {
  for (const part of parts) for (const recipient of part) recipient.fail(error)
}

function deliver(part: readonly Recipient[], results: unknown): void {
  if (!Array.isArray(results) || results.length !== part.length) {
    const message = `Expected the batch function to give a list of ${part.length} results, one for each item in order, got ${describe(results)}`
    throw new WrongShape(message, { hint: 'Put an Error at the position of an item that failed.' })
  }
  for (const [index, recipient] of part.entries()) {
    const result: unknown = results[index]
    if (isError(result)) recipient.fail(result)
    else recipient.succeed(result)
  }
}

/** The function does not keep to the agreement; that no half of the batch would change. */
class WrongShape extends HeddleError {}
