/**
 * OpenTelemetry's JSON (OTLP 1.x): a request, one per line as the collector's file exporter writes, or a trace as Tempo's interface gives it.
 * @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
import { Attributes } from '../spans/attributes.ts'
import type { Pattern } from '../json/cutter.ts'
import { operationOf } from '../spans/operation.ts'
import { type SpanSink } from '../spans/spans.ts'
import { type SpanKind, spanKinds } from '../spans/vocabulary.ts'
import { newDraft } from './draft.ts'
import type { ElementFormat } from './reader.ts'
import { docOf, field, listOf, nanosToMs, textOf } from './values.ts'

/** Where resources stand: in a request, and in Tempo's two forms. Readers of protobuf's JSON take the names of the protocol file too. */
const roots = [['resourceSpans'], ['resource_spans'], ['batches'], ['trace', 'resourceSpans']]
/** The newer name, and the one before version 0.16. */
const scopes = ['scopeSpans', 'scope_spans', 'instrumentationLibrarySpans', 'instrumentation_library_spans']

export const otlpJson: ElementFormat = {
  name: 'OTLP JSON',
  patterns(sink) {
    const reader = new Reader(sink)
    return roots.flatMap((root) => [
      { path: [...root, '*'], take: reader.resource },
      ...scopes.map((scope) => ({ path: [...root, '*', scope, '*', 'spans', '*'], take: reader.span })),
    ]) satisfies Pattern[]
  },
}

class Reader {
  readonly #sink: SpanSink
  readonly #attributes = new Attributes()
  readonly #draft = newDraft()
  /** First span of the resource that is being read: its name may come after them. */
  #from = 0

  constructor(sink: SpanSink) {
    this.#sink = sink
    this.#from = sink.count
  }

  span = (value: unknown): void => {
    const sink = this.#sink
    const span = docOf(value)
    const [draft, attributes] = [this.#draft, this.#attributes]
    const startText = field(span, 'startTimeUnixNano') ?? field(span, 'start_time_unix_nano')
    const epochMs = sink.epochMs(nanosToMs(startText, 0))
    attributes.clear()
    putAttributes(attributes, field(span, 'attributes'))
    draft.traceId = textOf(field(span, 'traceId') ?? field(span, 'trace_id'))
    draft.id = textOf(field(span, 'spanId') ?? field(span, 'span_id'))
    draft.parentId = textOf(field(span, 'parentSpanId') ?? field(span, 'parent_span_id'))
    draft.name = textOf(field(span, 'name'))
    draft.kind = kindOf(field(span, 'kind'))
    draft.start = nanosToMs(startText, epochMs)
    draft.end = nanosToMs(field(span, 'endTimeUnixNano') ?? field(span, 'end_time_unix_nano'), epochMs)
    const status = field(field(span, 'status'), 'code')
    draft.failed = status === 2 || status === 'STATUS_CODE_ERROR'
    draft.operation = operationOf(draft.name, draft.kind, attributes)
    draft.code = attributes.code()
    // A consumer has the producer as its parent in many instrumentations; the producer does not wait for it.
    draft.follows = draft.kind === 'consumer'
    sink.format = otlpJson.name
    sink.add(draft)
  }

  resource = (value: unknown): void => {
    const attributes = this.#attributes
    attributes.clear()
    putAttributes(attributes, field(field(value, 'resource'), 'attributes'))
    const [service, host] = [this.#sink.text(attributes.get('service')), this.#sink.text(attributes.get('host'))]
    const { columns } = this.#sink
    for (let row = this.#from; row < this.#sink.count; row++) {
      columns.service[row] = service
      columns.host[row] = host
    }
    this.#from = this.#sink.count
  }
}

function putAttributes(attributes: Attributes, list: unknown): void {
  for (const attribute of listOf(list)) {
    const value = field(attribute, 'value')
    attributes.set(
      textOf(field(attribute, 'key')),
      field(value, 'stringValue') ??
        field(value, 'intValue') ??
        field(value, 'boolValue') ??
        field(value, 'doubleValue') ??
        field(value, 'string_value') ??
        field(value, 'int_value'),
    )
  }
}

/** A number, or its name in the protocol. */
export function kindOf(value: unknown): SpanKind {
  if (typeof value === 'number') return spanKinds[value] ?? 'unspecified'
  const name = textOf(value).replace('SPAN_KIND_', '').toLowerCase()
  return (spanKinds as readonly string[]).includes(name) ? (name as SpanKind) : 'unspecified'
}
