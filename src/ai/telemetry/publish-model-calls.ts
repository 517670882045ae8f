/**
 * Model calls, attempts, tools and agents as spans and metrics of OpenTelemetry, by its conventions for generative AI (`gen_ai.*`), through the program's
 * own SDK. A call is a span `chat MODEL`; below it is one for each attempt, which says whether it is the first, a retry, a hedge, or a fallback to
 * another model. What people and models said is left out, unless it is asked for.
 */
import type { Attributes, Context, Histogram, Meter, Span, Tracer } from '@opentelemetry/api'
import { isError } from '../../base/errors.ts'
import { openTelemetry } from '../../base/optional-package.ts'
import { performance } from '../../base/globals.js'
import { messageOf, nameOf, peek } from '../../base/look.js'
import { checkOptions, rules } from '../../base/options.ts'
import { withoutSecrets } from '../../base/secrets.ts'
import { type Begun, type OpenSpan, type Outcome, type Publisher, register } from './spans.ts'

type Api = typeof import('@opentelemetry/api')

/** Options of {@link publishModelCalls}. */
export interface PublishModelCallsOptions {
  /** Makes the spans. @default the tracer `heddle` of the global provider */
  readonly tracer?: { startSpan(...args: never[]): unknown }
  /** Makes the metrics. @default the meter `heddle` of the global provider */
  readonly meter?: { createHistogram(...args: never[]): unknown }
  /** Puts prompts, answers and what tools get and give on the spans, without the secrets that are known, at most 64 kB of each. @default false */
  readonly contents?: boolean
}

/** Spans and metrics of model calls as they are made. */
export interface PublishedModelCalls {
  /** Begins no more of them; what is under way ends as it would. */
  stop(): void
}

/** Buckets that the conventions ask for: seconds, and tokens. */
const seconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
const tokens = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864]
/** Of one attribute. */
const longest = 65_536

/**
 * Publishes every call of a pool, and every agent and its tools, as spans and metrics from now on. With `publishSpans` of `heddle/trace` beside it runs
 * and tasks are published as well.
 *
 * @param options where to, and whether with contents
 * @throws {HeddleError} (as a rejection) when `@opentelemetry/api` is not installed @throws {InvalidOption} for a wrong option
 *
 * @example
 * const published = await publishModelCalls({ contents: false })
 */
export async function publishModelCalls(options: PublishModelCallsOptions = {}): Promise<PublishedModelCalls> {
  const optionRules = { tracer: rules.object, meter: rules.object, contents: rules.boolean }
  checkOptions<PublishModelCallsOptions>(options, optionRules, 'publishModelCalls')
  const api = await openTelemetry('Publishing model calls')
  const tracer = (options.tracer as Tracer | undefined) ?? api.trace.getTracer('heddle')
  const meter = (options.meter as Meter | undefined) ?? api.metrics.getMeter('heddle')
  return { stop: register(new GenAi(api, tracer, new Measures(meter), options.contents ?? false)) }
}

class Measures {
  readonly duration: Histogram
  readonly usage: Histogram
  readonly firstChunk: Histogram

  constructor(meter: Meter) {
    const histogram = (name: string, unit: string, description: string, buckets: readonly number[]): Histogram =>
      meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: [...buckets] } })
    this.duration = histogram('gen_ai.client.operation.duration', 's', 'Duration of calls', seconds)
    this.usage = histogram('gen_ai.client.token.usage', '{token}', 'Tokens that calls used', tokens)
    this.firstChunk = histogram(
      'gen_ai.client.operation.time_to_first_chunk',
      's',
      'Time to the first content of a stream',
      seconds,
    )
  }
}

class GenAi implements Publisher {
  readonly #api: Api
  readonly #tracer: Tracer
  readonly #measures: Measures
  readonly #contents: boolean

  constructor(api: Api, tracer: Tracer, measures: Measures, contents: boolean) {
    this.#api = api
    this.#tracer = tracer
    this.#measures = measures
    this.#contents = contents
  }

  begin(begun: Begun, parent: OpenSpan | undefined): OpenSpan {
    const { trace, context, SpanKind } = this.#api
    const above = parent instanceof Opened ? parent.context : context.active()
    const common = commonOf(begun)
    const attributes = { ...common, ...(this.#contents && contentsOf(begun)) }
    const kind = begun.kind === 'call' || begun.kind === 'attempt' ? SpanKind.CLIENT : SpanKind.INTERNAL
    const span = this.#tracer.startSpan(nameFor(begun), { kind, attributes }, above)
    return new Opened(this.#api, span, trace.setSpan(above, span), begun, common, this.#measures, this.#contents)
  }
}

class Opened implements OpenSpan {
  readonly context: Context
  readonly #api: Api
  readonly #span: Span
  readonly #begun: Begun
  readonly #common: Attributes
  readonly #measures: Measures
  readonly #contents: boolean
  readonly #from = performance.now()
  #ended = false
  #first = false

  constructor(api: Api, span: Span, context: Context, begun: Begun, common: Attributes, measures: Measures, contents: boolean) {
    this.#api = api
    this.#span = span
    this.context = context
    this.#begun = begun
    this.#common = common
    this.#measures = measures
    this.#contents = contents
  }

  run<T>(body: () => T): T {
    return this.#api.context.with(this.context, body)
  }

  firstChunk(): void {
    if (this.#first || this.#begun.kind !== 'call') return
    this.#first = true
    const after = this.#seconds
    this.#span.setAttribute('gen_ai.response.time_to_first_chunk', after)
    this.#measures.firstChunk.record(after, measured(this.#common))
  }

  end({ error, usage, output, abandoned }: Outcome): void {
    if (this.#ended) return
    this.#ended = true
    const type = error === undefined ? (abandoned ? 'abandoned' : undefined) : errorType(error)
    if (type !== undefined) this.#span.setAttribute('error.type', type)
    if (error !== undefined)
      this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: withoutSecrets(messageOf(error)).slice(0, 1_000) })
    if (usage)
      this.#span.setAttributes({
        'gen_ai.usage.input_tokens': usage.input,
        'gen_ai.usage.output_tokens': usage.output,
        ...(usage.cached > 0 && { 'gen_ai.usage.cache_read.input_tokens': usage.cached }),
        ...((usage.written ?? 0) > 0 && { 'gen_ai.usage.cache_creation.input_tokens': usage.written }),
      })
    if (this.#contents && output !== undefined) this.#span.setAttributes(outputOf(this.#begun, output))
    if (this.#begun.kind === 'call') this.#measure(type, usage)
    this.#span.end()
  }

  get #seconds(): number {
    return (performance.now() - this.#from) / 1_000
  }

  #measure(type: string | undefined, usage: Outcome['usage']): void {
    const attributes = measured(this.#common)
    this.#measures.duration.record(this.#seconds, type === undefined ? attributes : { ...attributes, 'error.type': type })
    if (!usage) return
    this.#measures.usage.record(usage.input, { ...attributes, 'gen_ai.token.type': 'input' })
    this.#measures.usage.record(usage.output, { ...attributes, 'gen_ai.token.type': 'output' })
  }
}

function nameFor(begun: Begun): string {
  switch (begun.kind) {
    case 'call':
      return `${begun.operation} ${begun.model}`
    case 'attempt':
      return `attempt ${begun.model}`
    case 'tool':
      return withoutSecrets(`execute_tool ${begun.name}`)
    case 'agent':
      return withoutSecrets(`invoke_agent ${begun.name}`)
  }
}

/** Parameters of a request, by their names in the AI SDK and in the conventions. */
const parameters = {
  maxOutputTokens: 'gen_ai.request.max_tokens',
  temperature: 'gen_ai.request.temperature',
  topP: 'gen_ai.request.top_p',
  topK: 'gen_ai.request.top_k',
  frequencyPenalty: 'gen_ai.request.frequency_penalty',
  presencePenalty: 'gen_ai.request.presence_penalty',
  seed: 'gen_ai.request.seed',
} as const

function commonOf(begun: Begun): Attributes {
  switch (begun.kind) {
    case 'call': {
      const given = Object.entries(parameters).flatMap(([option, name]) => {
        const value = peek(begun.options, option)
        return typeof value === 'number' ? [[name, value] as const] : []
      })
      return {
        'gen_ai.operation.name': begun.operation,
        'gen_ai.provider.name': providerOf(begun.provider),
        'gen_ai.request.model': begun.model,
        ...Object.fromEntries(given),
      }
    }
    case 'attempt': {
      const slash = begun.model.indexOf('/')
      return {
        'gen_ai.provider.name': providerOf(begun.model.slice(0, Math.max(0, slash))),
        'gen_ai.request.model': begun.model.slice(slash + 1),
        'heddle.attempt.as': begun.as,
        'heddle.attempt.number': begun.number,
      }
    }
    case 'tool':
      return {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': begun.name,
        'gen_ai.tool.type': 'function',
        ...(begun.callId !== '' && { 'gen_ai.tool.call.id': begun.callId }),
      }
    case 'agent':
      return { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': begun.name, 'gen_ai.request.model': begun.model }
  }
}

/** The AI SDK adds which API is used: `openai.chat`. Names that the conventions list differ in a few. */
function providerOf(provider: string): string {
  const [name = ''] = provider.split('.')
  const listed: Readonly<Record<string, string>> = {
    google: 'gcp.gemini',
    vertex: 'gcp.vertex_ai',
    bedrock: 'aws.bedrock',
    'amazon-bedrock': 'aws.bedrock',
    azure: 'azure.ai.openai',
    mistral: 'mistral_ai',
    xai: 'x_ai',
  }
  return listed[name] ?? name
}

/** What metrics are divided by: few values each. */
function measured(common: Attributes): Attributes {
  const names = ['gen_ai.operation.name', 'gen_ai.provider.name', 'gen_ai.request.model']
  return Object.fromEntries(names.map((name) => [name, common[name]]))
}

function contentsOf(begun: Begun): Attributes {
  switch (begun.kind) {
    case 'call':
      return { 'gen_ai.input.messages': written(peek(begun.options, 'prompt') ?? peek(begun.options, 'values')) }
    case 'tool':
      return { 'gen_ai.tool.call.arguments': written(begun.input) }
    case 'agent':
      return { 'gen_ai.input.messages': written([{ role: 'user', parts: [{ type: 'text', content: begun.input }] }]) }
    case 'attempt':
      return {}
  }
}

function outputOf(begun: Begun, output: unknown): Attributes {
  if (begun.kind === 'tool') return { 'gen_ai.tool.call.result': written(output) }
  return { 'gen_ai.output.messages': written(output) }
}

function written(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    text = undefined
  }
  return withoutSecrets(text ?? '').slice(0, longest)
}

function errorType(error: unknown): string {
  const status = peek(error, 'statusCode')
  if (typeof status === 'number') return String(status)
  return isError(error) ? nameOf(peek(error, 'constructor')) || 'Error' : '_OTHER'
}
