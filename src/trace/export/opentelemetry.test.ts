import {
  type Context,
  context,
  type Span,
  type SpanContext,
  type SpanOptions,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api'
import { afterEach, describe, expect, test } from 'vitest'
import { InvalidOption } from '../../base/errors.ts'
import { all, graph, map } from '../../index.ts'
import { type LiveSpans, publishSpans } from './opentelemetry.ts'

interface Made {
  readonly name: string
  readonly options: SpanOptions
  readonly parent: string | undefined
  readonly links: readonly string[]
  ended?: number
  status?: number
  exception?: string
}

/** A tracer that remembers what it was asked for. */
function memoryTracer(): { tracer: Tracer; spans: Made[]; find: (name: string) => Made } {
  const spans: Made[] = []
  const names = new Map<string, string>()
  const startSpan = (name: string, options: SpanOptions = {}, parent: Context = context.active()): Span => {
    const spanId = String(spans.length + 1).padStart(16, '0')
    const nameOf = (id: string | undefined): string | undefined => (id === undefined ? undefined : names.get(id))
    const links = (options.links ?? []).map((link) => nameOf(link.context.spanId) ?? '?')
    const made: Made = { name, options, parent: nameOf(trace.getSpanContext(parent)?.spanId), links }
    spans.push(made)
    names.set(spanId, name)
    const spanContext: SpanContext = { traceId: '1'.repeat(32), spanId, traceFlags: 1 }
    const span: Partial<Span> = {
      spanContext: () => spanContext,
      setAttributes: () => span as Span,
      setStatus: ({ code }) => ((made.status = code), span as Span),
      recordException: (error) => void (made.exception = (error as Error).message),
      end: (at) => void (made.ended = at as number),
    }
    return span as Span
  }
  const find = (name: string): Made => spans.find((span) => span.name === name) as Made
  return { tracer: { startSpan } as unknown as Tracer, spans, find }
}

let live: LiveSpans | undefined
afterEach(() => live?.stop())

describe('publishSpans', () => {
  test('makes a span per run and task, runs below the task that started them', async () => {
    const { tracer, spans, find } = memoryTracer()
    live = await publishSpans({ tracer })
    await all({ outer: () => map([1, 2], async (n) => n, { name: 'inner' }) })
    expect(spans.map(({ name }) => name).sort()).toEqual(['all', 'inner', 'inner[0]', 'inner[1]', 'outer'])
    expect([find('outer').parent, find('inner').parent, find('inner[1]').parent]).toEqual(['all', 'outer', 'inner'])
    for (const { ended, options } of spans) expect(ended).toBeGreaterThanOrEqual(options.startTime as number)
  })

  test('links a task to what it needed', async () => {
    const { tracer, find } = memoryTracer()
    live = await publishSpans({ tracer })
    const g = graph('ship')
    const a = g.task('a', () => 1)
    const b = g.task('b', () => 2)
    await g.run(g.task('c', { a, b }, ({ a, b }) => a + b))
    expect(find('c').links.toSorted()).toEqual(['a', 'b'])
    expect(find('c').parent).toBe('ship')
  })

  test('puts the exception on the span that failed', async () => {
    const { tracer, find } = memoryTracer()
    live = await publishSpans({ tracer })
    await expect(all({ bad: () => Promise.reject(new TypeError('no')) })).rejects.toThrow('no')
    expect(find('bad')).toMatchObject({ exception: 'no', status: SpanStatusCode.ERROR })
  })

  test('makes none after it was stopped, and ends those under way', async () => {
    const { tracer, spans } = memoryTracer()
    live = await publishSpans({ tracer })
    let release = (): void => {}
    const running = map([1], () => new Promise<void>((resolve) => (release = resolve)))
    live.stop()
    expect(spans).toHaveLength(2)
    expect(spans.every((span) => 'ended' in span)).toBe(true)
    release()
    await running
    await map([1], async () => 1)
    expect(spans).toHaveLength(2)
  })

  test('refuses options that it does not know', async () => {
    await expect(publishSpans({ trace: 1 } as object)).rejects.toBeInstanceOf(InvalidOption)
  })
})
