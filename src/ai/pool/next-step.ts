/** What becomes of a call whose attempt has failed. Pure: what happened stands in the verdict, how the call stands in {@link Standing}. */
import type { Verdict } from './failure.ts'

/** How the call stands, when what the failure says of its model has been noted. */
export interface Standing {
  /** How long the call has taken, and how long it may wait for its turn. */
  readonly ms: number
  readonly queueTimeoutMs: number
  /** Models that it may still be sent to. */
  readonly open: number
  /** One of them has not failed yet. */
  readonly fresh: boolean
  /** Whether the caller's own `retry` is to make the next attempt. Asked once at most. */
  isLeft(): boolean
  /** How long to pause before another attempt; undefined when there is to be none. Asked once at most: it spends the retry budget. */
  pauseMs(): number | undefined
}

export type Step =
  /** Back into the queue, at its front. */
  | { readonly type: 'queue' }
  /** Another attempt, after this pause; that is 0 where another model takes it. */
  | { readonly type: 'retry'; readonly pauseMs: number }
  /** The call fails, and the caller's `retry` goes on. */
  | { readonly type: 'leave' }
  /** No model takes it: the call fails with what they said. */
  | { readonly type: 'refuse' }
  /** The call fails with this failure. */
  | { readonly type: 'fail' }

export function nextStep({ kind }: Verdict, standing: Standing): Step {
  switch (kind) {
    case 'rate-limited':
      // Waiting for the rate limit is waiting for a turn: it goes on as long as that may take.
      return standing.ms < standing.queueTimeoutMs ? { type: 'queue' } : { type: 'fail' }
    case 'quota':
    case 'refused':
      return standing.open > 0 ? { type: 'queue' } : { type: 'refuse' }
    case 'transient': {
      if (!standing.fresh && standing.isLeft()) return { type: 'leave' }
      const pauseMs = standing.pauseMs()
      if (pauseMs === undefined) return { type: 'fail' }
      return { type: 'retry', pauseMs: standing.fresh ? 0 : pauseMs }
    }
    case 'fatal':
      return { type: 'fail' }
  }
}
