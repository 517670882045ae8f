/** Streams of a model: opened up to their first content, so that a failure before it can still be made good; then passed on. */
import { systemClock } from '../base/clock.ts'
import { formatMs } from '../base/duration.ts'
import { Cancelled, TimedOut } from '../base/errors.ts'
import type { Attempt } from './attempt.ts'
import { BrokenAnswer, toModelError, type Verdict } from './failure.ts'
import { type CallableModel, type CallOptions, type StreamPart, type StreamResult, type Usage } from './model.ts'
import { estimateTokens } from './tokens.ts'
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
    if (!preamble.has(value.type)) return { result, reader, head }
  }
}

/** Is told how the stream went. */
export interface StreamOutcome {
  readonly ended: (usage: Usage) => void
  readonly failed: () => void
}

/**
 * Passes a stream on, and holds its attempt until it is finished, broken or cancelled. Whatever goes wrong in the middle
 * arrives as an error part with a named error.
 */
export function guardStream<M>(
  { result, reader, head }: OpenStream,
  attempt: Attempt<M>,
  stallTimeoutMs: number,
  outcome: StreamOutcome,
): ReadableStream<StreamPart> {
  let usage: Usage | undefined
  let finished = false
  let written = 0
  const fail = (controller: ReadableStreamDefaultController<StreamPart>, error: unknown): void => {
    const verdict = whileStreaming(attempt.fail(error, written))
    outcome.failed()
    void reader.cancel().catch(() => {})
    controller.enqueue({ type: 'error', error: toModelError(error, verdict, attempt.replica.name, 1) })
    controller.close()
  }
  return new ReadableStream<StreamPart>({
    async pull(controller) {
      try {
        const part = head.shift() ?? (await nextPart(reader, attempt, stallTimeoutMs))
        if (part === undefined) {
          if (!finished) return fail(controller, new BrokenAnswer(`The stream of ${attempt.replica.name} ended in the middle`))
          attempt.succeed(usage, written)
          outcome.ended(usage ?? attempt.estimated(written))
          return controller.close()
        }
        if (part.type === 'error') return fail(controller, part.error)
        if (part.type === 'finish') {
          finished = true
          usage = usageOf({ ...part, headers: result.response?.headers })
        } else if ('delta' in part && typeof part.delta === 'string') written += estimateTokens(part.delta)
        controller.enqueue(part)
      } catch (error) {
        fail(controller, error)
      }
    },
    async cancel(reason) {
      attempt.abandon(written, new Cancelled('the reader of the stream went away', { cause: reason }))
      outcome.failed()
      await reader.cancel(reason).catch(() => {})
    },
  })
}

/** What broke while an answer was coming is a broken stream, whatever the provider calls it. */
function whileStreaming(verdict: Verdict): Verdict {
  const broke = verdict.kind === 'transient' && (verdict.failure === 'server' || verdict.failure === 'network')
  return broke ? { kind: 'transient', failure: 'broken-stream' } : verdict
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
      reject(reason instanceof Error ? reason : new Cancelled('The stream was cancelled', { cause: reason }))
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
