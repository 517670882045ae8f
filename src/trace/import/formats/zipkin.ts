/**
 * Zipkin's JSON, version 2: a list of spans, or a list of traces which are lists of spans.
 * @see https://zipkin.io/zipkin-api/zipkin2-api.yaml
 */
import { Attributes } from '../spans/attributes.ts'
import { operationOf } from '../spans/operation.ts'
import type { SpanSink } from '../spans/spans.ts'
import { newDraft } from './draft.ts'
import { kindOf } from './otlp-json.ts'
import { docOf, field, numberOf, textOf } from './values.ts'

export const zipkinName = 'Zipkin v2'

/** Whether an element of a list at the root is a span of Zipkin. */
export const isZipkin = (value: unknown): boolean => field(value, 'traceId') !== undefined && field(value, 'id') !== undefined

export class ZipkinReader {
  readonly #sink: SpanSink
  readonly #attributes = new Attributes()
  readonly #draft = newDraft()

  constructor(sink: SpanSink) {
    this.#sink = sink
  }

  span(value: unknown): void {
    const span = docOf(value)
    const [draft, attributes, sink] = [this.#draft, this.#attributes, this.#sink]
    const start = numberOf(field(span, 'timestamp')) / 1_000
    const epochMs = sink.epochMs(start)
    attributes.clear()
    for (const [key, tag] of Object.entries(docOf(field(span, 'tags')))) attributes.set(key, tag)
    attributes.set('peer.service', field(field(span, 'remoteEndpoint'), 'serviceName'))
    const local = field(span, 'localEndpoint')
    draft.traceId = textOf(field(span, 'traceId'))
    draft.parentId = textOf(field(span, 'parentId'))
    draft.name = textOf(field(span, 'name'))
    draft.kind = kindOf(field(span, 'kind'))
    // The two sides of a call may share one id: the server's half becomes a child of the client's.
    const shared = field(span, 'shared') === true && draft.kind === 'server'
    const id = textOf(field(span, 'id'))
    draft.id = shared ? `${id} server` : id
    if (shared) draft.parentId = id
    draft.service = textOf(field(local, 'serviceName'))
    draft.host = textOf(field(local, 'ipv4')) || textOf(field(local, 'ipv6'))
    draft.start = start - epochMs
    draft.end = draft.start + (numberOf(field(span, 'duration')) || 0) / 1_000
    draft.failed = attributes.get('error') !== ''
    draft.follows = draft.kind === 'consumer'
    draft.operation = operationOf(draft.name, draft.kind, attributes)
    draft.code = attributes.code()
    sink.format = zipkinName
    sink.add(draft)
  }
}
