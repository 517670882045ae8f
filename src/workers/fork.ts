import { describe, InvalidOption } from '../base/errors.ts'
import { refOf } from '../run/executor.ts'

/**
 * A call of a worker function that may run somewhere else while the caller goes on: the way to divide work by recursion, inside a worker function.
 * If another worker is idle, the call goes there. If none is, or if such calls are small, it runs right here: when it is awaited, or when
 * this worker waits for something else.
 *
 * Outside of a worker it is the call itself. (`scope` has a `fork` too: that starts a function on this thread as a task of the scope.)
 *
 * Arguments and results cross as in any call of a worker function, also when it stays here. Await every fork: the failure of one that nobody
 * awaits is lost.
 *
 * @param args the arguments of `fn`
 * @throws {InvalidOption} when `fn` is not a worker function
 * @throws (as rejections) what the function throws; `Cancelled` when the task that forked it is cancelled; `WorkerCrashed` when the worker dies to which it went
 *
 * @example
 * export const { sort } = workers(import.meta.url, {
 *   async sort(cells: Int32Array<SharedArrayBuffer>, from: number, to: number): Promise<void> {
 *     if (to - from < 10_000) return void cells.subarray(from, to).sort()
 *     const middle = partition(cells, from, to)
 *     const right = fork(sort, cells, middle, to)
 *     await sort(cells, from, middle)
 *     await right
 *   },
 * })
 */
export function fork<A extends readonly unknown[], R>(fn: (...args: A) => Promise<R>, ...args: A): Promise<R> {
  const ref = refOf(fn)
  if (!ref) {
    throw new InvalidOption(`Expected fork to get a worker function, got ${describe(fn)}`, {
      hint: 'Define it in a module of its own: export const { name } = workers(import.meta.url, { name(item) { … } }).',
    })
  }
  return ref.executor.fork ? (ref.executor.fork(ref, args) as Promise<R>) : fn(...args)
}
