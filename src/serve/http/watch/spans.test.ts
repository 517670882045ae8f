import { context, propagation, ROOT_CONTEXT, type Span, type SpanOptions, trace, type Context } from '@opentelemetry/api'
import { afterEach, expect, test } from 'vitest'
import { serve } from '../service.ts'

interface Made {
  readonly name: string
  readonly parent: string | undefined
  readonly attributes: Record<string, unknown>
  ended: boolean
  status?: number
}

afterEach(() => {
  trace.disable()
  propagation.disable()
  context.disable()
})

/** A provider that remembers, and the propagator of W3C reduced to what it reads. */
function remembering(): Made[] {
  const made: Made[] = []
  const startSpan = (name: string, options: SpanOptions, parent: Context): Span => {
    const span: Made = {
      name,
      parent: trace.getSpanContext(parent)?.traceId,
      attributes: { ...options.attributes },
      ended: false,
    }
    made.push(span)
    const traceId = span.parent ?? '2'.repeat(32)
    return {
      spanContext: () => ({ traceId, spanId: '3'.repeat(16), traceFlags: 1 }),
      setAttribute: (key: string, value: unknown) => void (span.attributes[key] = value),
      setStatus: ({ code }: { code: number }) => void (span.status = code),
      end: () => void (span.ended = true),
    } as unknown as Span
  }
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) } as never)
  propagation.setGlobalPropagator({
    inject: () => undefined,
    fields: () => ['traceparent'],
    extract(from, carrier: Record<string, string>) {
      const [, traceId = '', spanId = ''] = (carrier['traceparent'] ?? '').split('-')
      return traceId === '' ? from : trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 1 })
    },
  })
  return made
}

test('each request is a span below that of its client, with its status, model and tokens', async () => {
  const made = remembering()
  const models = {
    shout: { run: (text: string) => text.toUpperCase(), cost: () => 7 },
    fail: () => {
      throw new Error('inside')
    },
  }
  await using server = await serve({ models }).listen({ warn: () => undefined })
  const ask = (name: string): Promise<Response> =>
    fetch(`${server.url}/v1/run/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: `00-${'1'.repeat(32)}-${'4'.repeat(16)}-01` },
      body: '"x"',
    })
  await ask('shout')
  await ask('fail')
  await expect.poll(() => made.map(({ ended }) => ended)).toEqual([true, true])
  expect(made).toMatchObject([
    {
      name: 'POST /v1/run/NAME',
      parent: '1'.repeat(32),
      attributes: { 'http.response.status_code': 200, 'gen_ai.request.model': 'shout', 'gen_ai.usage.input_tokens': 7 },
    },
    { status: 2, attributes: { 'http.response.status_code': 500, 'error.type': '500' } },
  ])
})
