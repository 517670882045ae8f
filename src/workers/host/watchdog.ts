/**
 * Runs synchronous code on this thread that may be stopped: the last resort against a function that consented to run here and then holds
 * the thread for ever.
 *
 * Two ways. The inspector's `Runtime.evaluate` with a timeout lets a timer of V8's platform do it, which runs already: 20 to 40 µs. `vm` starts a thread of its
 * own and waits for its end: 90 µs on a quiet machine, a millisecond on a busy one. Both interrupt JavaScript only, skip `finally`, wait for native
 * calls, and contain neither memory nor `process.exit`.
 *
 * The inspector is connected only while the code runs. It keeps what is logged meanwhile, so that it is told to forget that soon afterwards.
 *
 * `vm` is used where there is no inspector (another runtime, `--permission`), and on threads other than the main one: where a timeout of the inspector
 * ends, it also undoes a `terminate()` of the thread.
 */
import type { Session } from 'node:inspector'
import { setTimeout } from '../../base/globals.js'
import { lazily } from '../../base/builtin.js'

const vm = lazily('node:vm')
const inspector = lazily('node:inspector')
const threads = lazily('node:worker_threads')

/** Where the script finds what it is to run: under Jest this code has another global object than the script. */
const slot = Symbol.for('heddle.guarded')
const source = `globalThis[Symbol.for('heddle.guarded')]()\n//# sourceURL=heddle:guarded`
/** So long what the code has logged may be kept. Chosen. */
const keptMs = 100

/** Runs what lies in the slot; comes back when that has returned, or was stopped. */
type Run = (limitMs: number) => void

interface Entrance {
  run: Run
  readonly realm: Realm
}

type Realm = { [slot]?: (() => void) | undefined }

let entrance: Entrance | undefined
let watching = false

/** Is the code at hand being watched, so that it may end at any point? Nothing should be begun in it that must be finished. */
export function watched(): boolean {
  return watching
}

/**
 * True when `body` came to its end, false when it was stopped after `limitMs`. What runs inside another one has that one's limit.
 * @throws what `body` throws
 */
export function ranWithin(limitMs: number, body: () => void, by: Entrance = (entrance ??= open())): boolean {
  if (watching) {
    body()
    return true
  }
  const { realm } = by
  let began = false
  let ended: { readonly error?: unknown } | undefined
  const guarded = (): void => {
    began = true
    try {
      body()
      ended = {}
    } catch (error) {
      ended = { error }
    }
  }
  realm[slot] = guarded
  watching = true
  try {
    by.run(limitMs)
    // It did not get so far: somebody else uses the inspector in a way of which nothing is known here.
    if (!began) {
      by.run = withThread()
      by.run(limitMs)
    }
  } finally {
    watching = false
    realm[slot] = undefined
  }
  if (ended && 'error' in ended) throw ended.error
  // It may have come to its end just when the time was over: on a busy machine this thread gets no core for longer than the limit.
  return ended !== undefined
}

/** Exported for tests. */
export function open(run: Run = withInspector() ?? withThread()): Entrance {
  const realm = new (vm().Script)('globalThis').runInThisContext() as Realm
  Object.defineProperty(realm, slot, { writable: true, configurable: true })
  return { realm, run }
}

/** Exported for tests, as is {@link withInspector}. */
export function withThread(): Run {
  const script = new (vm().Script)(source)
  return (timeout) => {
    try {
      script.runInThisContext({ timeout })
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    }
  }
}

export function withInspector(): Run | undefined {
  try {
    if (!threads().isMainThread) return undefined
    const session = new (inspector().Session)()
    session.connect()
    session.disconnect()
    return (timeout) => evaluated(session, timeout)
  } catch {
    return undefined
  }
}

function evaluated(session: Session, timeout: number): void {
  session.connect()
  try {
    session.post('Runtime.evaluate', { expression: source, timeout, silent: true })
  } finally {
    session.disconnect()
  }
  forgetSoon(session)
}

let forgetting = false

function forgetSoon(session: Session): void {
  // Whoever looks on with developer tools wants to see what was logged.
  if (forgetting || inspector().url() !== undefined) return
  forgetting = true
  setTimeout(() => {
    forgetting = false
    session.connect()
    session.post('Runtime.discardConsoleEntries')
    session.disconnect()
  }, keptMs).unref()
}
