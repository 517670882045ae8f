/** Two copies of one call, of which the first that answers wins: the course of a hedge. `hedge.ts` decides what one may cost. */
import { performance } from '../../base/globals.js'
import { systemClock } from '../../base/clock.ts'
import { Cancelled } from '../../base/errors.ts'
import type { Attempt } from './attempt.ts'
import type { Hedging } from './hedge.ts'

/** A first result, and the attempt that it came from and that must be ended by whoever takes it. */
export interface Won<M, T> {
  readonly attempt: Attempt<M>
  readonly value: T
}

export interface Copies<M, T> {
  readonly first: Attempt<M>
  /** Sends a copy. It ends its attempt itself when that fails. */
  send(attempt: Attempt<M>): Promise<Won<M, T>>
  /** A second attempt, if there is room for it right now. */
  second(): Attempt<M> | undefined
  /** Both are over, and one was for nothing. */
  settled(second: Attempt<M>, secondWon: boolean, wastedTokens: number): void
}

const lost = new Cancelled('the other copy answered first')

/** @throws what the last copy failed with */
export function race<M, T>(hedging: Hedging, { first, send, second, settled }: Copies<M, T>): Promise<Won<M, T>> {
  const afterMs = hedging.afterMs()
  const main = send(first)
  const sample = (): void => hedging.sample(performance.now() - first.startedAt)
  if (afterMs === undefined) return main.finally(sample)
  return new Promise((resolve, reject) => {
    let copy: Attempt<M> | undefined
    let running = 1
    let over = false
    const end = (): void => {
      over = true
      systemClock.cancel(timer)
      sample()
    }
    const win = (won: Won<M, T>): void => {
      if (over) return void won.attempt.abandon(0, lost)
      end()
      resolve(won)
      if (!copy) return
      const loser = won.attempt === copy ? first : copy
      settled(copy, won.attempt === copy, loser.abandon(0, lost))
    }
    const lose = (error: unknown): void => {
      if (--running > 0 || over) return
      end()
      // As it came: what it means is read from its fields.
      reject(error as Error)
      if (copy) settled(copy, false, 0)
    }
    const timer = systemClock.schedule(afterMs, () => {
      copy = second()
      if (!copy) return
      running++
      send(copy).then(win, lose)
    })
    main.then(win, lose)
  })
}
