/** Performs steps on shared memory: blocking the thread, or waiting without blocking it. */
import { clearInterval, setInterval, setTimeout } from '../../base/globals.js'
import { isMainThread } from 'node:worker_threads'
import { systemClock } from '../../base/clock.ts'
import { durationMs, formatMs } from '../../base/duration.ts'
import { HeddleError, TimedOut } from '../../base/errors.ts'
import { currentFrame } from '../../base/frame.ts'
import { endedBy, type WaitOptions } from '../wait-queue.ts'
import { type Op, type Steps, wake } from './steps.ts'

export type Cells = Int32Array<SharedArrayBuffer>

/** Performs everything but `wait`. */
function perform(op: Exclude<Op, { op: 'wait' }>, cells: Cells): number {
  switch (op.op) {
    case 'load':
      return Atomics.load(cells, op.at)
    case 'add':
      return Atomics.add(cells, op.at, op.value)
    case 'exchange':
      return Atomics.exchange(cells, op.at, op.value)
    case 'compareExchange':
      return Atomics.compareExchange(cells, op.at, op.expected, op.value)
    case 'notify':
      return Atomics.notify(cells, op.at, op.count)
  }
}

/** Steps that never wait. */
export function runNow<R>(steps: Steps<R>, cells: Cells): R {
  let next = steps.next()
  while (!next.done) next = steps.next(perform(next.value as Exclude<Op, { op: 'wait' }>, cells))
  return next.value
}

/**
 * Blocks the thread while it waits; gives up after the timeout.
 * @throws {HeddleError} on the main thread, whose event loop must not be blocked
 */
export function runBlocking<R>(steps: Steps<R>, cells: Cells, limitMs: number): R {
  if (isMainThread) {
    throw new HeddleError('A shared lock cannot block the main thread', {
      hint: 'Await the method without `Sync`: it leaves the event loop free.',
    })
  }
  const until = systemClock.now() + limitMs
  let next = steps.next()
  while (!next.done) {
    const op = next.value
    if (op.op !== 'wait') next = steps.next(perform(op, cells))
    else {
      const why = Atomics.wait(cells, op.at, op.expected, Math.max(0, until - systemClock.now()))
      next = steps.next(why === 'ok' ? wake.notified : why === 'not-equal' ? wake.changed : wake.gaveUp)
    }
  }
  return next.value
}

/** What a blocking wait rejects with. */
export function blockedTooLong(label: string, limitMs: number): TimedOut {
  return new TimedOut(`Waited for ${label} longer than ${formatMs(limitMs)}`, { clock: 'timeout', limitMs })
}

/**
 * Leaves the event loop free while it waits, and keeps the process alive.
 * @param gaveUp whether a result means that the steps gave up: then this rejects with what ended the wait
 */
export async function runWaiting<R>(
  steps: Steps<R>,
  cells: Cells,
  options: WaitOptions,
  label: string,
  gaveUp: (result: R) => boolean,
): Promise<R> {
  let next = steps.next()
  while (!next.done && next.value.op !== 'wait') next = steps.next(perform(next.value, cells))
  if (next.done) return next.value
  const end = new End(options, label)
  try {
    while (!next.done) {
      const op: Op = next.value
      next = steps.next(op.op === 'wait' ? await sleepOn(cells, op.at, op.expected, end) : perform(op, cells))
    }
    if (end.error && gaveUp(next.value)) throw end.error
    return next.value
  } finally {
    end.close()
  }
}

/** Signal, timeout and cancellation of one call, and a timer that keeps the process alive, which a shared wait does not. */
class End {
  error: Error | undefined
  readonly untilMs: number
  #stop: ((why: number) => void) | undefined
  readonly #release: () => void
  readonly #alive = setInterval(() => {}, 0x7fffffff)

  constructor(options: WaitOptions, label: string) {
    const limitMs = options.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(options.timeout, 'timeout')
    this.untilMs = systemClock.now() + limitMs
    this.#release = endedBy(
      currentFrame(),
      options,
      () => label,
      (error) => {
        this.error ??= error
        this.#stop?.(wake.gaveUp)
      },
    )
  }

  /** Calls `stop` when the wait is to end, at once if it is. */
  onEnd(stop: ((why: number) => void) | undefined): void {
    this.#stop = stop
    if (this.error) stop?.(wake.gaveUp)
  }

  close(): void {
    clearInterval(this.#alive)
    this.#release()
  }
}

/** Not yet in TypeScript's ES2023. */
interface AtomicsWithWaitAsync {
  waitAsync?: (
    cells: Cells,
    at: number,
    expected: number,
    timeoutMs: number,
  ) => { readonly async: false; readonly value: string } | { readonly async: true; readonly value: Promise<string> }
}

/** Where the engine has no `Atomics.waitAsync`. */
const pollEveryMs = 2

/**
 * A wait cannot be taken back once it is in the engine's line. One that gave up stays there, and passes on the notification
 * that it may still get, which was meant for somebody who waits.
 */
function sleepOn(cells: Cells, at: number, expected: number, end: End): Promise<number> {
  return new Promise((resolve) => {
    let over = false
    const finish = (why: number): void => {
      if (over) return
      over = true
      end.onEnd(undefined)
      resolve(why)
    }
    end.onEnd(finish)
    if (over) return
    const { waitAsync } = Atomics as AtomicsWithWaitAsync
    if (!waitAsync)
      return void setTimeout(() => finish(Atomics.load(cells, at) === expected ? wake.notified : wake.changed), pollEveryMs)
    const wait = waitAsync(cells, at, expected, end.untilMs - systemClock.now())
    if (!wait.async) return finish(wake.changed)
    void wait.value.then((why) => {
      if (why === 'ok' && over) Atomics.notify(cells, at, 1)
      // The engine's own timeout only cleans up behind ours.
      if (why === 'ok') finish(wake.notified)
    })
  })
}
