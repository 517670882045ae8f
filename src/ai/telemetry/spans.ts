/**
 * Where spans of model calls, attempts, tools and agents begin and end. A publisher of them registers here; while none has, each of these costs
 * one check. What they are called in OpenTelemetry says `publish-model-calls.ts`.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Usage } from '../model/sdk-model.ts'

/** What begins. */
export type Begun =
  | {
      readonly kind: 'call'
      readonly model: string
      readonly provider: string
      readonly operation: 'chat' | 'embeddings'
      readonly options: object
    }
  | {
      readonly kind: 'attempt'
      readonly model: string
      readonly as: 'first' | 'retry' | 'fallback' | 'hedge'
      readonly number: number
    }
  | { readonly kind: 'tool'; readonly name: string; readonly callId: string; readonly input: unknown }
  | { readonly kind: 'agent'; readonly name: string; readonly model: string; readonly input: string }

/** How it ended. */
export interface Outcome {
  readonly error?: unknown
  readonly usage?: Usage | undefined
  /** The answer, as far as there is one. */
  readonly output?: unknown
  /** Nobody wanted the answer any more. */
  readonly abandoned?: boolean
}

export interface OpenSpan {
  /** Milliseconds of `performance.now()`: the first content of a stream has come. */
  firstChunk(): void
  end(outcome: Outcome): void
  /** Runs what happens inside. */
  run<T>(body: () => T): T
}

export interface Publisher {
  begin(begun: Begun, parent: OpenSpan | undefined): OpenSpan
}

/** What happened in a call so far. */
interface CallScope {
  readonly span: OpenSpan
  attempts: number
  open: number
  lastModel: string
}

const publishers = new Set<Publisher>()
const inside = new AsyncLocalStorage<{ readonly span: OpenSpan; readonly call: CallScope | undefined }>()

/** @returns what ends that */
export function register(publisher: Publisher): () => void {
  publishers.add(publisher)
  return () => void publishers.delete(publisher)
}

/** A span around a piece of work, which ends with it unless `body` takes its end over. Without publishers just the work. */
export function spanned<T>(begun: () => Begun, body: (span: OpenSpan | undefined) => T): T {
  if (publishers.size === 0) return body(undefined)
  const what = begun()
  const span = begin(what)
  const call = what.kind === 'call' ? { span, attempts: 0, open: 0, lastModel: '' } : undefined
  return inside.run({ span, call }, () => span.run(() => body(span)))
}

/** The span of an attempt of the call at hand; undefined where nobody publishes. */
export function attemptSpan(model: string): OpenSpan | undefined {
  if (publishers.size === 0) return undefined
  const call = inside.getStore()?.call
  const number = (call?.attempts ?? 0) + 1
  const as = number === 1 ? 'first' : (call?.open ?? 0) > 0 ? 'hedge' : call?.lastModel === model ? 'retry' : 'fallback'
  const span = begin({ kind: 'attempt', model, as, number })
  if (!call) return span
  call.attempts = number
  call.open++
  call.lastModel = model
  return { ...span, end: (outcome) => (call.open--, span.end(outcome)) }
}

function begin(begun: Begun): OpenSpan {
  const parent = inside.getStore()?.span
  const parents = parent instanceof Spans ? parent.each : new Map<Publisher, OpenSpan>()
  return new Spans(new Map([...publishers].map((publisher) => [publisher, publisher.begin(begun, parents.get(publisher))])))
}

/** The spans of all publishers as one. */
class Spans implements OpenSpan {
  readonly each: ReadonlyMap<Publisher, OpenSpan>

  constructor(each: ReadonlyMap<Publisher, OpenSpan>) {
    this.each = each
  }

  firstChunk = (): void => {
    for (const span of this.each.values()) span.firstChunk()
  }

  end = (outcome: Outcome): void => {
    for (const span of this.each.values()) span.end(outcome)
  }

  run = <T>(body: () => T): T => [...this.each.values()].reduce<() => T>((inner, span) => () => span.run(inner), body)()
}

/** Ends the span with the work. */
export async function ended<T>(span: OpenSpan | undefined, work: () => Promise<T>, outputOf: (value: T) => unknown): Promise<T> {
  if (!span) return work()
  try {
    const value = await work()
    span.end({ output: outputOf(value) })
    return value
  } catch (error) {
    span.end({ error })
    throw error
  }
}
