/**
 * How late the event loop is, for the whole thread. A timer looks at its own lateness, as Node's `monitorEventLoopDelay` does;
 * that one forgets the interval in which it is reset, and so sees nothing of a loop that is asked more often than it turns.
 */
import { clearInterval, performance, setInterval } from '../base/globals.js'

const everyMs = 20
/** Nobody asks any more: stop looking. */
const forgottenMs = 1_000

let timer: NodeJS.Timeout | undefined
let dueAt = 0
let worstMs = 0
let askedAt = 0

/** How late the event loop was at worst since the last call of this function, in milliseconds; 0 at the first. */
export function loopDelayMs(): number {
  const now = performance.now()
  askedAt = now
  if (!timer) {
    // Does not keep the process alive.
    timer = setInterval(look, everyMs).unref()
    dueAt = now + everyMs
    worstMs = 0
    return 0
  }
  const worst = Math.max(worstMs, now - dueAt)
  worstMs = 0
  return Math.max(0, worst)
}

function look(): void {
  const now = performance.now()
  worstMs = Math.max(worstMs, now - dueAt)
  dueAt = now + everyMs
  if (now - askedAt < forgottenMs) return
  clearInterval(timer)
  timer = undefined
}
