/** Whatever tasks throw and tracers do, publishing spans never ends the program. */
import type { Span, SpanContext, Tracer } from '@opentelemetry/api'
import { afterEach, describe, expect, test } from 'vitest'
import { all, graph, map, stream } from '../../index.ts'
import { thrown, thrower } from '../../../test/support/hostile-values.ts'
import { record, traceOf } from '../record/record.ts'
import { type LiveSpans, publishSpans } from './opentelemetry.ts'

const uncaught: unknown[] = []
const note = (error: unknown): void => void uncaught.push(error)

let live: LiveSpans | undefined
afterEach(() => live?.stop())

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Looks at what it is given, as exporters do. */
function tracer(seen: string[] = [], links: number[] = []): Tracer {
  const spanContext = { traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 } as SpanContext
  const startSpan = (name: string, options: { links?: readonly unknown[] } = {}): Span => {
    links.push(options.links?.length ?? 0)
    const span: Partial<Span> = {
      spanContext: () => spanContext,
      setAttributes: () => span as Span,
      setStatus: ({ message }) => (seen.push(message ?? ''), span as Span),
      recordException: (error) => void seen.push(JSON.stringify(error), `${name}: ${(error as Error).message}`),
      end: () => {},
    }
    return span as Span
  }
  return { startSpan } as unknown as Tracer
}

async function watched(program: () => Promise<unknown>): Promise<number> {
  uncaught.length = 0
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', note)
  try {
    await program().catch(() => {})
    await turn()
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of before) process.on('uncaughtException', listener)
  }
  return uncaught.length
}

describe.each(Object.entries(thrown))('a task that throws %s', (_, make) => {
  test('becomes a span with an exception', async () => {
    const seen: string[] = []
    live = await publishSpans({ tracer: tracer(seen) })
    expect(await watched(() => all({ bad: () => Promise.reject(make() as Error) }))).toBe(0)
    expect(seen.some((text) => text.startsWith('bad: '))).toBe(true)
  })

  test('is recorded, and its error leads to the trace', async () => {
    const error = make()
    const rejected = await record(() => map([1], () => Promise.reject(error as Error))).then(
      () => undefined,
      (failure: unknown) => ({ failure }),
    )
    expect(rejected).toBeDefined()
    const trace = traceOf(rejected?.failure)
    expect(trace?.tasks.count).toBe(1)
  })
})

test('a tracer that throws loses its spans only', async () => {
  live = await publishSpans({ tracer: { startSpan: thrower } })
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  expect(await watched(() => map([1, 2], async (n) => n))).toBe(0)
  expect((await warned).message).toBe('The tracer of publishSpans failed: a getter of the user; spans are lost')
})

test('keys stay out of spans', async () => {
  const seen: string[] = []
  live = await publishSpans({ tracer: tracer(seen) })
  const key = `sk-proj-${'a1B2'.repeat(12)}`
  await watched(() => all({ bad: () => Promise.reject(new Error(`401 for Bearer ${key}`)) }))
  expect(seen.join('\n')).toContain('401 for')
  expect(seen.join('\n')).not.toContain(key)
})

test('tasks of streams and graphs link to what they needed', async () => {
  const links: number[] = []
  live = await publishSpans({ tracer: tracer([], links) })
  await stream([1, 2, 3])
    .map(async (n) => n)
    .map(async (n) => n)
    .toArray()
  const g = graph('g')
  await g.run(g.task('b', { a: g.task('a', () => 1) }, ({ a }) => a))
  expect(links.filter((count) => count > 0).length).toBeGreaterThanOrEqual(4)
})
