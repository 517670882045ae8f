/**
 * Runs synchronous code on this thread that may be stopped: the last resort against a function that consented to run here and then holds
 * the thread for ever.
 *
 * Only `vm` can interrupt JavaScript on its own thread. It skips `finally`, waits for native calls, and contains neither memory nor
 * `process.exit`. Entering it costs about 90 µs.
 */
import { lazily } from '../../base/builtin.js'

const vm = lazily('node:vm')

/** Where the script finds what it is to run: under Jest this code has another global object than the script. */
const slot = Symbol.for('heddle.guarded')

interface Entrance {
  readonly run: (limitMs: number) => void
  readonly realm: { [slot]?: (() => void) | undefined }
}

let entrance: Entrance | undefined

function open(): Entrance {
  const { Script } = vm()
  const realm = new Script('globalThis').runInThisContext() as Entrance['realm']
  Object.defineProperty(realm, slot, { writable: true, configurable: true })
  const script = new Script(`globalThis[Symbol.for('heddle.guarded')]()`, { filename: 'heddle:guarded' })
  return { realm, run: (timeout) => void script.runInThisContext({ timeout }) }
}

/** True when `body` came to its end, false when it was stopped after `limitMs`. @throws what `body` throws */
export function ranWithin(limitMs: number, body: () => void): boolean {
  const { realm, run } = (entrance ??= open())
  const outer = realm[slot]
  let returned = false
  realm[slot] = () => {
    body()
    returned = true
  }
  try {
    run(limitMs)
    return true
  } catch (error) {
    // It may have come to its end just then: on a busy machine this thread gets no core for longer than the limit.
    if ((error as { code?: unknown } | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return returned
    throw error
  } finally {
    realm[slot] = outer
  }
}
