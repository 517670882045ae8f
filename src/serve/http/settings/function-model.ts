/**
 * A plain function as a model of a server: it runs where it is, on this thread or as a worker function on its own, behind a bounded queue. Replicas are for what holds a model in memory;
 * this is for the rest, and for tests.
 */
import { type Duration, durationMs } from '../../../base/duration.ts'
import { Cancelled, Closed, Overflow, TimedOut } from '../../../base/errors.ts'
import { clearTimeout, performance, setTimeout } from '../../../base/globals.js'
import { checkOptions, rules } from '../../../base/options.ts'
import { isTaskContext, type TaskContext } from '../../../base/task-context.ts'
import { Limiter } from '../../../limits/index.ts'
import type { ChatAbility, ChatResult, ModelKind } from '../../kinds.ts'
import { type Answer, asServed, type Served, type ServedCallOptions, type StreamedAnswer } from '../../served.ts'
import type { Refusal } from '../../stats.ts'
import { FunctionStats } from './function-stats.ts'

/** What a served function gets as its second argument. */
export interface FunctionContext {
  /** Aborts when the client leaves or the deadline passes. */
  readonly signal: AbortSignal
  /** The name of the key of who asks; empty without keys. */
  readonly tenant: string
}

/** A function that is served as a model. */
export interface FunctionModel {
  /** Under which address it is offered: `/v1/embeddings` (text in, list of numbers out), `/v1/chat/completions`, `/v1/classify`, or `/v1/run/NAME`. @default 'function' */
  readonly kind?: ModelKind
  /** Of a chat: what its requests may have beyond messages of text. @default [] */
  readonly accepts?: readonly ChatAbility[]
  /** Answers one input: a text for embeddings and classification, a `ChatRequest` for chats, any JSON else. */
  readonly run?: (input: never, context: FunctionContext) => unknown
  /** Answers one input in parts: texts, or objects with a `text`. At least one of `run` and `stream` is needed. */
  readonly stream?: (input: never, context: FunctionContext) => AsyncIterable<unknown>
  /** Tokens of one input, for usage and quotas. @default 1 */
  readonly cost?: (input: never) => number
  /** How many at once. Minimum 1. @default 16 */
  readonly concurrency?: number
  /** How many may wait; one more is refused with 429. Minimum 0. @default 256 */
  readonly maxQueue?: number
}

const modelRules = {
  kind: rules.oneOf('embeddings', 'chat', 'classify', 'function'),
  accepts: rules.listOf('tools', 'images', 'prompt'),
  run: rules.function,
  stream: rules.function,
  cost: rules.function,
  concurrency: rules.whole(1),
  maxQueue: rules.whole(0),
}

type Definition = FunctionModel & {
  readonly run?: (input: unknown, context: FunctionContext) => unknown
  readonly stream?: (input: unknown, context: FunctionContext) => AsyncIterable<unknown>
  readonly cost?: (input: unknown) => number
}

/** @throws {InvalidOption} */
export function functionModel(name: string, given: FunctionModel | ((input: never, context: never) => unknown)): Served {
  const definition = (typeof given === 'function' ? { run: given } : given) as Definition
  checkOptions<FunctionModel>(definition, modelRules, `models.${name}`)
  if (!definition.run && !definition.stream) checkOptions({ run: null }, { run: rules.function }, `models.${name}`)
  const model = new Functions(name, definition)
  const ask = async (item: unknown, options?: ServedCallOptions | TaskContext): Promise<unknown> =>
    (await model.ask(item, options)).value
  return asServed(ask, {
    ask: (item: unknown, options?: ServedCallOptions | TaskContext) => model.ask(item, options),
    stream: (item: unknown, options?: ServedCallOptions | TaskContext) => model.stream(item, options),
    name,
    kind: definition.kind ?? 'function',
    accepts: definition.accepts ?? [],
    streams: definition.stream !== undefined,
    stats: () => model.stats.snapshot(model.limiter.stats.waiting, model.waitingTokens, model.limiter.stats.running),
    ready: async () => undefined,
    close: async (options: { readonly grace?: Duration } = {}) => model.close(durationMs(options.grace ?? '10s', 'grace')),
  }) as Served
}

class Functions {
  readonly limiter: Limiter
  readonly stats: FunctionStats
  waitingTokens = 0
  readonly #definition: Definition
  readonly #underWay = new Set<AbortController>()
  #closed = false

  constructor(name: string, definition: Definition) {
    const { concurrency = 16, maxQueue = 256 } = definition
    this.#definition = definition
    this.limiter = new Limiter({ concurrency, maxQueue, name: `the model ${name}` })
    this.stats = new FunctionStats(name, definition.kind ?? 'function', maxQueue, concurrency)
  }

  async ask(item: unknown, options: ServedCallOptions | TaskContext = {}): Promise<Answer<unknown>> {
    const { run, stream } = this.#definition
    return this.#call(item, options, async (context) => {
      if (run) return run(item, context)
      let text = ''
      return (await written(stream?.(item, context), (part) => void (text += textOfPart(part)))) ?? text
    })
  }

  stream(item: unknown, options: ServedCallOptions | TaskContext = {}): StreamedAnswer<unknown, unknown> {
    const { stream } = this.#definition
    const parts: unknown[] = []
    const left = new AbortController()
    let over = false
    let failed: { readonly error: unknown } | undefined
    let wake: () => void = () => undefined
    let room: () => void = () => undefined
    const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal
    // The function writes at most one part ahead of who reads: what is slow to be read slows it, and is not kept.
    const answer = this.#call(item, { ...callOptions(options), signal }, async (context) => {
      let text = ''
      let count = 0
      const whole = await written(stream?.(item, context), (part) => {
        count++
        if (context.signal.aborted) throw new Cancelled('the caller has left', { cause: context.signal.reason })
        text += textOfPart(part)
        parts.push(part)
        wake()
        return parts.length > 1 ? new Promise<void>((resolve) => (room = resolve)) : undefined
      })
      return whole ?? ({ text, finish: 'stop', promptTokens: this.#cost(item), completionTokens: count } satisfies ChatResult)
    })
    answer.then(
      () => {
        over = true
        wake()
      },
      (error: unknown) => {
        failed = { error }
        wake()
      },
    )
    async function* read(): AsyncGenerator<unknown> {
      try {
        for (;;) {
          if (parts.length > 0) {
            const part = parts.shift()
            room()
            yield part
          } else if (failed) throw failed.error
          else if (over) return
          else await new Promise<void>((resolve) => (wake = resolve))
        }
      } finally {
        if (!over) left.abort(new Cancelled('the reader has left'))
        room()
      }
    }
    return { answer, [Symbol.asyncIterator]: read }
  }

  async close(graceMs: number): Promise<void> {
    this.#closed = true
    const until = performance.now() + graceMs
    while (this.#underWay.size > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10))
    for (const each of this.#underWay) each.abort(new Closed('the model was closed'))
  }

  #cost(item: unknown): number {
    return this.#definition.cost?.(item) ?? 1
  }

  async #call(
    item: unknown,
    given: ServedCallOptions | TaskContext,
    work: (context: FunctionContext) => Promise<unknown>,
  ): Promise<Answer<unknown>> {
    const { signal, deadlineMs, priority, tenant } = settled(given)
    const began = performance.now()
    if (this.#closed) throw this.stats.refused('closed', tenant, new Closed('the model was closed'))
    const tokens = this.#cost(item)
    const late = deadlineMs === Number.POSITIVE_INFINITY ? {} : { timeout: deadlineMs }
    this.waitingTokens += tokens
    const lease = await this.limiter
      .acquire({ priority, ...late, ...(signal && { signal }) })
      .catch((error: unknown) => {
        throw this.stats.refused(refusalOf(error), tenant, asDeadline(error))
      })
      .finally(() => (this.waitingTokens -= tokens))
    const started = performance.now()
    const stop = new AbortController()
    this.#underWay.add(stop)
    const left = deadlineMs - (started - began)
    const timer =
      left === Number.POSITIVE_INFINITY
        ? undefined
        : setTimeout(() => stop.abort(new TimedOut('the deadline has passed', { clock: 'deadline', limitMs: deadlineMs })), left)
    const onAbort = (): void => stop.abort(signal?.reason)
    signal?.addEventListener('abort', onAbort)
    try {
      const value = await until(work({ signal: stop.signal, tenant }), stop.signal)
      const servedMs = performance.now() - started
      this.stats.answered(tenant, tokens, started - began, servedMs)
      return { value, tokens, queuedMs: started - began, servedMs, replica: 0, batch: 1 }
    } catch (error) {
      if (!stop.signal.aborted) this.stats.failed()
      else throw this.stats.refused(refusalOf(error), tenant, error)
      throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      this.#underWay.delete(stop)
      lease.release()
    }
  }
}

/** Takes all parts; what a generator returns is the whole answer, with what its parts do not show: calls of tools, counts. */
async function written(
  given: AsyncIterable<unknown> | undefined,
  take: (part: unknown) => Promise<void> | void,
): Promise<unknown> {
  const parts = given?.[Symbol.asyncIterator]()
  if (!parts) return undefined
  let whole = false
  try {
    for (;;) {
      const step = (await parts.next()) as IteratorResult<unknown, unknown>
      whole = step.done === true
      if (step.done) return step.value
      await take(step.value)
    }
  } finally {
    if (!whole) await parts.return?.()
  }
}

/** A function that does not look at its signal is let go: its caller has left, and nobody can end it. */
function until<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      const { reason } = signal as { reason: unknown }
      reject(
        reason instanceof TimedOut || reason instanceof Closed ? reason : new Cancelled('the caller has left', { cause: reason }),
      )
    }
    if (signal.aborted) aborted()
    else signal.addEventListener('abort', aborted, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
  })
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Overflow) return 'queue-full'
  if (error instanceof TimedOut) return 'deadline'
  return error instanceof Closed ? 'closed' : 'cancelled'
}

/** The limiter calls it the time of the queue; here it was the deadline that passed there. */
function asDeadline(error: unknown): unknown {
  if (!(error instanceof TimedOut)) return error
  return new TimedOut('the deadline passed in the queue', { clock: 'deadline', limitMs: error.limitMs, cause: error })
}

interface Settled {
  readonly signal: AbortSignal | undefined
  readonly deadlineMs: number
  readonly priority: number
  readonly tenant: string
}

function callOptions(given: ServedCallOptions | TaskContext): ServedCallOptions {
  return isTaskContext(given) ? { signal: given.signal } : given
}

function settled(given: ServedCallOptions | TaskContext): Settled {
  const { signal, deadline, priority = 0, tenant = '' } = callOptions(given)
  return {
    signal,
    deadlineMs: deadline === undefined ? Number.POSITIVE_INFINITY : durationMs(deadline, 'deadline'),
    priority,
    tenant,
  }
}

function textOfPart(part: unknown): string {
  if (typeof part === 'string') return part
  const text: unknown = typeof part === 'object' && part !== null && 'text' in part ? part.text : undefined
  return typeof text === 'string' ? text : ''
}
