/** The promise of a fork. */
import type { Single } from './single.ts'

/** A task that fails before it awaits its fork must not end the worker through what the fork throws. */
export function handled(promise: Promise<unknown>): Promise<unknown> {
  Promise.prototype.then.call(promise, undefined, nothing)
  return promise
}

const nothing = (): void => {}

/** A promise that says when somebody waits for it: what was kept for others runs then at the latest. */
export class Forked extends Promise<unknown> {
  unit: Single | undefined
  /** Gets the fork when somebody waits for it. */
  join: ((unit: Single) => void) | undefined

  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<A, B>(
    done?: ((value: unknown) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const { unit } = this
    this.unit = undefined
    if (unit) this.join?.(unit)
    return super.then(done, failed)
  }
}
