/** Streams of a model: opened up to their first content, so that a failure before it can still be made good; then passed on. */
import { systemClock } from '../../base/clock.ts'
import { formatMs } from '../../base/duration.ts'
import { Cancelled, isError, TimedOut } from '../../base/errors.ts'
import type { Attempt } from './attempt.ts'
import { BrokenAnswer, toModelError, type Verdict } from './failure.ts'
import { type CallableModel, type CallOptions, type StreamPart, type StreamResult, type Usage } from '../model/sdk-model.ts'
import { estimateTokens } from '../model/tokens.ts'
import { usageOf } from './usage.ts'

/** Parts that come before there is anything to read. */
const preamble = new Set(['stream-start', 'response-metadata', 'raw', 'text-start', 'reasoning-start'])

export interface OpenStream {
  readonly result: StreamResult
  readonly reader: ReadableStreamDefaultReader<StreamPart>
  /** What was read so far, the first content last. */
  readonly head: StreamPart[]
}

/** Opens a stream, and reads it up to its first content. @throws what went wrong before that */
export async function openStream<M extends CallableModel>(
  model: M,
  options: CallOptions,
  attempt: Attempt<M>,
): Promise<OpenStream> {
  const result = await model.doStream({ ...options, abortSignal: attempt.signal })
  attempt.headers(result.response?.headers)
  const reader = result.stream.getReader()
  const head: StreamPart[] = []
  for (;;) {
    const { done, value } = await reader.read()
    if (done) throw new BrokenAnswer(`The stream of ${attempt.replica.name} ended before it began`)
    if (value.type === 'error') throw value.error
    head.push(value)
    if (attempt.cancellation.aborted) {
      void reader.cancel().catch(() => {})
      throw attempt.cancellation.reason
    }
    if (!preamble.has(value.type)) {
      attempt.timed('stream')
      return { result, reader, head }
    }
  }
}

/** Gets how the stream ended. */
export interface StreamOutcome {
  readonly ended: (usage: Usage) => void
  readonly failed: (error?: unknown) => void
}

export interface StreamGuard {
  readonly stallTimeoutMs: number
  /** The caller's: when it aborts, the stream fails with its reason, as the model's own does. */
  readonly signal: AbortSignal | undefined
  readonly outcome: StreamOutcome
}

/**
 * Passes a stream on, and holds its attempt until it is finished, broken or cancelled. It goes wrong as the model's own stream would: an
 * error part is passed on, with a named error, and what follows it too; a stream that breaks, stands still or ends without its last part fails with
 * a named error, so that nobody takes half an answer for a whole one.
 */
export function guardStream<M>(
  { result, reader, head }: OpenStream,
  attempt: Attempt<M>,
  { stallTimeoutMs, signal, outcome }: StreamGuard,
): ReadableStream<StreamPart> {
  let usage: Usage | undefined
  let finished = false
  let failed = false
  let written = 0
  const failing = (error: unknown): Error => {
    const verdict = whileStreaming(attempt.fail(error, written))
    if (!failed) outcome.failed(error)
    failed = true
    return toModelError(error, verdict, attempt.replica.name, 1)
  }
  const breakOff = (controller: ReadableStreamDefaultController<StreamPart>, error: unknown): void => {
    const named = failing(error)
    void reader.cancel().catch(() => {})
    controller.error(signal?.aborted ? signal.reason : named)
  }
  const end = (controller: ReadableStreamDefaultController<StreamPart>): void => {
    if (!failed && !finished)
      return breakOff(controller, new BrokenAnswer(`The stream of ${attempt.replica.name} ended in the middle`))
    if (!failed) {
      attempt.succeed(usage, written)
      outcome.ended(usage ?? attempt.estimated(written))
    }
    controller.close()
  }
  return new ReadableStream<StreamPart>({
    async pull(controller) {
      try {
        const part = head.shift() ?? (await nextPart(reader, attempt, stallTimeoutMs))
        if (part === undefined) return end(controller)
        if (part.type === 'error') return controller.enqueue({ type: 'error', error: failing(part.error) })
        if (part.type === 'finish') {
          finished = true
          usage = usageOf({ ...part, headers: result.response?.headers })
        } else if ('delta' in part && typeof part.delta === 'string') written += estimateTokens(part.delta)
        controller.enqueue(part)
      } catch (error) {
        breakOff(controller, error)
      }
    },
    async cancel(reason) {
      if (!failed) outcome.failed()
      failed = true
      attempt.abandon(written, new Cancelled('the reader of the stream went away', { cause: reason }))
      await reader.cancel(reason).catch(() => {})
    },
  })
}

/** What broke while an answer was coming is a broken stream, whatever the provider calls it. */
function whileStreaming(verdict: Verdict): Verdict {
  const broke = verdict.kind === 'transient' && (verdict.failure === 'server' || verdict.failure === 'network')
  return broke ? { kind: 'transient', failure: 'broken-stream', because: 'broken' } : verdict
}

/** The next part; undefined at the end. @throws {TimedOut} when none comes in time; what cancelled the attempt */
function nextPart<M>(
  reader: ReadableStreamDefaultReader<StreamPart>,
  attempt: Attempt<M>,
  stallTimeoutMs: number,
): Promise<StreamPart | undefined> {
  return new Promise((resolve, reject) => {
    const timer = systemClock.schedule(stallTimeoutMs, () => {
      const message = `The stream of ${attempt.replica.name} stood still for ${formatMs(stallTimeoutMs)}`
      attempt.cancellation.abort(new TimedOut(message, { clock: 'timeout', limitMs: stallTimeoutMs }))
    })
    const unsubscribe = attempt.cancellation.subscribe((reason) => {
      settled()
      reject(isError(reason) ? reason : new Cancelled('The stream was cancelled', { cause: reason }))
    })
    const settled = (): void => {
      systemClock.cancel(timer)
      unsubscribe()
    }
    reader.read().then(
      ({ done, value }) => {
        settled()
        resolve(done ? undefined : value)
      },
      (error: unknown) => {
        settled()
        reject(error as Error)
      },
    )
  })
}
