/**
 * A span for each request, through the program's own OpenTelemetry SDK where `@opentelemetry/api` (an optional peer) is installed: below the span of the client, whose context comes in
 * the headers, and active while the request is answered, so that what a served function calls lies below it.
 */
import type { Span } from '@opentelemetry/api'
import { openTelemetryIfInstalled } from '../../../base/optional-package.ts'

type Api = typeof import('@opentelemetry/api')

export interface SpanEnd {
  readonly status: number
  readonly model: string
  readonly tokensIn: number
  readonly tokensOut: number
  readonly error?: string | undefined
}

export interface RequestSpan {
  /** Undefined while nobody records. */
  readonly traceId: string | undefined
  run<T>(work: () => T): T
  end(end: SpanEnd): void
}

const noSpan: RequestSpan = { traceId: undefined, run: (work) => work(), end: () => undefined }

export class Spans {
  #api: Api | undefined

  /** Loads the API where it is installed; without it there are no spans. */
  async open(): Promise<void> {
    this.#api = await openTelemetryIfInstalled()
  }

  start(method: string, route: string, headers: Readonly<Record<string, unknown>>): RequestSpan {
    const api = this.#api
    if (!api) return noSpan
    const parent = api.propagation.extract(api.context.active(), headers)
    const attributes = { 'http.request.method': method, 'http.route': route }
    const span = api.trace.getTracer('heddle').startSpan(`${method} ${route}`, { kind: api.SpanKind.SERVER, attributes }, parent)
    const active = api.trace.setSpan(parent, span)
    return {
      traceId: api.isSpanContextValid(span.spanContext()) ? span.spanContext().traceId : undefined,
      run: (work) => api.context.with(active, work),
      end: (end) => finish(api, span, end),
    }
  }
}

function finish(api: Api, span: Span, { status, model, tokensIn, tokensOut, error }: SpanEnd): void {
  span.setAttribute('http.response.status_code', status)
  if (model !== '') span.setAttribute('gen_ai.request.model', model)
  if (tokensIn > 0) span.setAttribute('gen_ai.usage.input_tokens', tokensIn)
  if (tokensOut > 0) span.setAttribute('gen_ai.usage.output_tokens', tokensOut)
  // As the conventions say: what the client did wrong is not an error of the server.
  if (status >= 500) {
    span.setAttribute('error.type', String(status))
    span.setStatus(error === undefined ? { code: api.SpanStatusCode.ERROR } : { code: api.SpanStatusCode.ERROR, message: error })
  }
  span.end()
}
