/** Work that somebody watches: its events while it goes on, and its result. */
import { randomUUID } from 'node:crypto'
import { toError } from '../../base/errors.ts'
import { checkFunction, checkOptions, rules } from '../../base/options.ts'
import { withoutSecrets } from '../../base/secrets.ts'
import { type AgentEvent, withSink } from './events.ts'
import { EventLog } from './log.ts'
import { reportRuns } from './runs.ts'
import { type UiChunk, UiChunks } from './ui-stream.ts'

/** Options of {@link follow}. */
export interface FollowOptions {
  /** Events that are kept for readers that come later or come back. Minimum 1. @default 20_000 */
  readonly keep?: number
}

/** Work that is followed. */
export interface Followed<R> {
  /** The events from the first one that is kept, and then as they come. Each reader gets all of them. */
  readonly events: AsyncIterable<AgentEvent>
  /** What the work gives. */
  readonly result: Promise<R>
  /** The events after the one with that number: for readers that come back. */
  eventsAfter(seq: number): AsyncIterable<AgentEvent>
  /**
   * The events as a stream of the AI SDK's UI message chunks, from the beginning: for `createUIMessageStreamResponse` and `readUIMessageStream`. Whoever
   * has lost the connection asks again and gets the whole message. @param messageId of the message @default the same for each stream of this work
   */
  toUIMessageStream(messageId?: string): ReadableStream<UiChunk>
}

/**
 * Does `work`, a pattern, a team, an agent or several of them, and reports what happens inside as typed events. Answers of models are streamed
 * meanwhile, so that their text comes as it is written. Nobody has to read the events: the work never waits for a reader.
 *
 * @param work what is followed
 * @throws {InvalidOption} for a wrong option; failures of the work reject `result`
 *
 * @example
 * const run = follow(() => condense(chapters, options))
 * for await (const event of run.events) if (event.type === 'text') process.stdout.write(event.delta)
 * const { text } = await run.result
 */
export function follow<R>(work: () => R | PromiseLike<R>, options: FollowOptions = {}): Followed<R> {
  checkFunction(work, 'work', 'follow')
  checkOptions<FollowOptions>(options, { keep: rules.whole(1) }, 'follow')
  const log = new EventLog(options.keep ?? 20_000)
  const id = randomUUID()
  const stop = reportRuns()
  const result = withSink(log, async () => {
    try {
      const value = await work()
      log.emit({ type: 'end', state: 'done', branch: '' })
      return value
    } catch (error) {
      log.emit({ type: 'end', state: 'failed', error: withoutSecrets(toError(error).message), branch: '' })
      throw error
    } finally {
      stop()
    }
  })
  // A reader of events alone sees the failure there.
  result.catch(() => {})
  const eventsAfter = (seq: number): AsyncIterable<AgentEvent> => ({ [Symbol.asyncIterator]: () => log.after(seq) })
  return { events: eventsAfter(0), eventsAfter, result, toUIMessageStream: (messageId = id) => uiStream(log, messageId) }
}

function uiStream(log: EventLog, messageId: string): ReadableStream<UiChunk> {
  const events = log.after(0)
  const chunks = new UiChunks(messageId)
  return new ReadableStream<UiChunk>({
    start(controller) {
      for (const chunk of chunks.begin()) controller.enqueue(chunk)
    },
    async pull(controller) {
      for (;;) {
        const { done, value } = await events.next()
        if (done) return controller.close()
        const made = chunks.of(value)
        for (const chunk of made) controller.enqueue(chunk)
        if (made.length > 0) return
      }
    },
    cancel() {
      void events.return()
    },
  })
}
