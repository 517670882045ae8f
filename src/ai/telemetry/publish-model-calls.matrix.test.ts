/** Through the official OpenTelemetry SDK and its OTLP exporters, to a receiver that reads what they send. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, streamText, tool } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { counterparts } from '../../../test/support/counterparts.ts'
import { agent, batch, pool, publishModelCalls } from '../index.ts'
import { simulate } from '../simulator/index.ts'

const otel = counterparts('opentelemetry')

interface Value {
  readonly stringValue?: string
  readonly intValue?: number | string
  readonly doubleValue?: number
}

interface Attribute {
  readonly key: string
  readonly value: Value
}

interface SentSpan {
  readonly name: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: number
  readonly attributes: readonly Attribute[]
  readonly status: { readonly code: number }
}

interface Metric {
  readonly name: string
  readonly unit: string
  readonly histogram: {
    readonly dataPoints: readonly {
      readonly count: number | string
      readonly sum: number
      readonly attributes: readonly Attribute[]
    }[]
  }
}

const valuesOf = (attributes: readonly Attribute[]): Record<string, unknown> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? (value.intValue === undefined ? value.doubleValue : Number(value.intValue)),
    ]),
  )

describe.skipIf(!otel)('model calls, as OTLP', () => {
  const spans: SentSpan[] = []
  const metrics: Metric[] = []
  let receiver: Server
  let flush: () => Promise<void>
  let tracer: never
  let meter: never

  beforeAll(async () => {
    Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
    receiver = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (piece: string) => (body += piece))
      request.on('end', () => {
        const sent = JSON.parse(body) as {
          resourceSpans?: { scopeSpans: { spans: SentSpan[] }[] }[]
          resourceMetrics?: { scopeMetrics: { metrics: Metric[] }[] }[]
        }
        for (const { scopeSpans } of sent.resourceSpans ?? []) for (const scope of scopeSpans) spans.push(...scope.spans)
        for (const { scopeMetrics } of sent.resourceMetrics ?? [])
          for (const scope of scopeMetrics) metrics.push(...scope.metrics)
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      })
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
    const load = otel?.require as NodeJS.Require
    const { BasicTracerProvider, SimpleSpanProcessor } = load('@opentelemetry/sdk-trace-base')
    const { OTLPTraceExporter } = load('@opentelemetry/exporter-trace-otlp-http')
    const { MeterProvider, PeriodicExportingMetricReader } = load('@opentelemetry/sdk-metrics')
    const { OTLPMetricExporter } = load('@opentelemetry/exporter-metrics-otlp-http')
    const traces = new BasicTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter({ url: `${url}/v1/traces` }))],
    })
    const reader = new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter({ url: `${url}/v1/metrics` }),
      exportIntervalMillis: 3_600_000,
    })
    const measures = new MeterProvider({ readers: [reader] })
    tracer = traces.getTracer('test') as never
    meter = measures.getMeter('test') as never
    flush = async () => {
      await traces.forceFlush()
      await measures.forceFlush()
    }
  })
  afterAll(() => {
    receiver.closeAllConnections()
    receiver.close()
  })

  test('calls and their attempts, a fallback, a stream, an agent and its tool; contents only by choice', async () => {
    await using provider = await simulate({
      firstToken: 1,
      tokensPerSecond: 1e6,
      models: { good: {}, dead: { quota: { calls: 0 } } },
    })
    const of = (id: string) => createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL, includeUsage: true })(id)
    const published = await publishModelCalls({ tracer, meter })
    const both = pool([of('dead'), of('good')], { prefer: 'first' })
    await generateText({ model: both, prompt: 'A secret thing', maxOutputTokens: 50 })
    const one = pool(of('good'))
    for await (const _ of streamText({ model: one, prompt: 'A stream' }).textStream);
    const weather = tool({ inputSchema: z.object({ city: z.string() }), execute: async () => 'sunny' })
    await agent(one, { name: 'asker', tools: { weather } })('What is the weather in Rome?')
    published.stop()
    await generateText({ model: one, prompt: 'Nobody sees this' })
    await flush()

    const named = (name: string): SentSpan[] => spans.filter((span) => span.name === name)
    const [fallback] = named('chat dead')
    expect(valuesOf(fallback?.attributes ?? [])).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'simulated',
      'gen_ai.request.model': 'dead',
      'gen_ai.request.max_tokens': 50,
      'gen_ai.usage.input_tokens': expect.any(Number),
    })
    const attempts = spans.filter((span) => span.parentSpanId === fallback?.spanId).map(({ attributes }) => valuesOf(attributes))
    expect(attempts).toMatchObject([
      { 'heddle.attempt.as': 'first', 'gen_ai.request.model': 'dead', 'error.type': '429' },
      { 'heddle.attempt.as': 'fallback', 'gen_ai.request.model': 'good' },
    ])
    const [asker] = named('invoke_agent asker')
    const inside = spans.filter((span) => span.parentSpanId === asker?.spanId)
    expect(inside.map(({ name }) => name).toSorted()).toEqual(['chat good', 'chat good', 'execute_tool weather'])
    expect(valuesOf(inside.find(({ name }) => name === 'execute_tool weather')?.attributes ?? [])).toMatchObject({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'weather',
      'gen_ai.tool.call.id': expect.any(String),
    })
    // One of the fallback, one stream, two of the agent.
    expect(spans.filter(({ name }) => name.startsWith('chat '))).toHaveLength(4)
    expect(JSON.stringify(spans)).not.toMatch(/secret thing|Rome|sunny/)
    const metric = (name: string): Metric => metrics.find((one) => one.name === name) as Metric
    const count = (name: string): number => metric(name).histogram.dataPoints.reduce((sum, point) => sum + Number(point.count), 0)
    expect(count('gen_ai.client.operation.duration')).toBe(4)
    expect(metric('gen_ai.client.operation.duration').unit).toBe('s')
    expect(count('gen_ai.client.token.usage')).toBe(8)
    expect(count('gen_ai.client.operation.time_to_first_chunk')).toBe(3)

    spans.length = 0
    const open = await publishModelCalls({ tracer, meter, contents: true })
    await agent(one, { name: 'asker', tools: { weather } })('What is the weather in Rome?')
    open.stop()
    await flush()
    expect(JSON.stringify(spans)).toMatch(/Rome.*/)
    expect(JSON.stringify(spans)).toMatch(/sunny/)
  })

  test('an attempt that fails, a retry, and a call that fails', async () => {
    spans.length = 0
    await using provider = await simulate({ firstToken: 1, tokensPerSecond: 1e6, faults: { serverError: 1 } })
    const published = await publishModelCalls({ tracer, meter })
    const model = pool(createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL })('m'), { retry: 1 })
    await expect(generateText({ model, prompt: 'x', maxRetries: 0 })).rejects.toThrow(/./)
    published.stop()
    await flush()
    const [call] = spans.filter(({ name }) => name === 'chat m')
    expect(call?.status.code).toBe(2)
    const attempts = spans.filter((span) => span.parentSpanId === call?.spanId).map(({ attributes }) => valuesOf(attributes))
    expect(attempts.map((attempt) => attempt['heddle.attempt.as'])).toEqual(['first', 'retry'])
  })

  test('embeddings, and calls that go into batches', async () => {
    await using provider = await simulate({ firstToken: 1, timeScale: 90_000, batches: { duration: '1h' } })
    const client = createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL, apiKey: 'k' })
    const published = await publishModelCalls({ tracer, meter })
    const from = spans.length
    await pool.embedding(client.embeddingModel('embedder'), { batch: 2 }).embedAll(['one', 'two', 'three'])
    await using late = batch(client('late'), { collect: 20, poll: 10 })
    await generateText({ model: late, prompt: 'x' })
    published.stop()
    await flush()
    const seen = spans.slice(from)
    const calls = seen.filter(({ name }) => name === 'embeddings embedder')
    expect(calls.map(({ attributes }) => valuesOf(attributes))).toEqual([
      expect.objectContaining({ 'gen_ai.operation.name': 'embeddings', 'gen_ai.usage.input_tokens': 2 }),
      expect.objectContaining({ 'gen_ai.operation.name': 'embeddings', 'gen_ai.usage.input_tokens': 2 }),
    ])
    const attempts = seen.filter(({ name }) => name === 'attempt simulated.embedding/embedder')
    expect(attempts.map(({ parentSpanId }) => parentSpanId).toSorted()).toEqual(calls.map(({ spanId }) => spanId).toSorted())
    expect(seen.filter(({ name }) => name === 'chat late')).toHaveLength(1)
  })
})
