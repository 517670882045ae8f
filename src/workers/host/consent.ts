/** Which modules may run on the caller's thread: those that consented, as long as no call of them had to be stopped here. */
import { formatMs } from '../../base/duration.ts'
import { TimedOut } from '../../base/errors.ts'
import type { FunctionRef } from '../../run/executor.ts'

/** The same as the grace of everything on this thread: long enough for an honest slow item, short enough to wait for in vain. */
export const longestCallMs = 1_000

/** Modules of which a call had to be stopped here. */
const unfit = new Set<string>()

/** Did the module agree to it? */
export function consents({ inline, module }: FunctionRef): boolean {
  return inline === true && !unfit.has(module)
}

/** A call of it was stopped here, in the middle: it never runs here again. */
export function stoppedHere({ name, module }: FunctionRef, limitMs = longestCallMs): TimedOut {
  unfit.add(module)
  return new TimedOut(`"${name}" held the caller's thread for ${formatMs(limitMs)} and was stopped there`, {
    clock: 'timeout',
    limitMs,
    hint: 'Its module said that it may run there (inline: true). It runs on workers only from now on; take the option away if its calls can take long.',
  })
}
