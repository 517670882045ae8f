/** One batch, or one stream, at a replica. */
import type { TimerHandle } from '../../base/clock.ts'
import type { Flight } from '../replica/handle.ts'
import type { Call } from './call.ts'
import type { Seat } from './seat.ts'

export interface BatchUnderWay {
  readonly calls: readonly Call[]
  readonly seat: Seat
  readonly startedAtMs: number
  /** From the breaker. */
  readonly pass: number
  readonly timers: TimerHandle[]
  flight: Flight<unknown> | undefined
  /** It was ended because it took longer than it may. */
  timedOut: boolean
  /** The second try of a slow batch, or the batch that has one. */
  twin: BatchUnderWay | undefined
}
