/**
 * Threads that have loaded a native addon. A thread that is ended while it is inside a native call may take the process with it: the addon comes
 * back to a JavaScript that is gone, and aborts. So such a thread is ended only when it has answered; until then it is set aside.
 */
import { counted } from '../../base/counted.ts'
import { performance } from '../../base/globals.js'
import { WorkerStartFailed } from '../../base/errors.ts'
import { progress as slot } from '../progress.js'

/** Node waits for native calls at the end of the program in any case; this long for functions that only hold their thread. */
const longestAtExitMs = 10_000
const lookMs = 20

interface OpenThread {
  readonly cells: Int32Array<SharedArrayBuffer>
  /** Asks it to do nothing any more. */
  readonly park: () => void
}

const open = new Set<OpenThread>()
let listens = false

/** When the program ends, threads come back from native calls before Node ends them. Gives what to call when the thread has ended. */
export function letAnswer(thread: OpenThread): () => void {
  open.add(thread)
  if (!listens) process.on('exit', parkAll)
  listens = true
  return () => void open.delete(thread)
}

function parkAll(): void {
  const native = [...open].filter(({ cells }) => Atomics.load(cells, slot.native) === 1)
  for (const { park } of native) park()
  const until = performance.now() + longestAtExitMs
  for (const { cells } of native)
    while (Atomics.load(cells, slot.answered) === 0 && performance.now() < until) Atomics.wait(cells, slot.answered, 0, lookMs)
}

export const nativeHint =
  "Its worker has loaded a native addon, so it cannot be ended inside a native call: it was set aside until that returns. Use isolation: 'process' for code that may take long there."

/** @throws {WorkerStartFailed} always */
export function tooManyAside(count: number): never {
  throw new WorkerStartFailed(
    `${counted(count, 'worker is', 'workers are')} inside native calls that were given up, and cannot be ended`,
    {
      hint: "Use isolation: 'process' for functions that stay long in native addons: processes can be ended at any time.",
    },
  )
}
