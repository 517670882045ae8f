/**
 * Jaeger's JSON, as its page and its interface `/api/traces` give it; also single traces and lists of them, without the answer around.
 * @see https://www.jaegertracing.io/docs/2.0/apis/
 */
import { Attributes } from '../spans/attributes.ts'
import { operationOf } from '../spans/operation.ts'
import type { SpanSink } from '../spans/spans.ts'
import { newDraft } from './draft.ts'
import { kindOf } from './otlp-json.ts'
import type { Pattern } from '../json/cutter.ts'
import { docOf, field, isDoc, listOf, numberOf, textOf } from './values.ts'

const formatName = 'Jaeger JSON'

/** One trace, whose spans are read by now. */
export const isJaegerTrace = (value: unknown): boolean => isDoc(field(value, 'processes'))
const isSpan = (span: unknown): boolean =>
  typeof field(span, 'spanID') === 'string' && typeof field(span, 'operationName') === 'string'

export class JaegerReader {
  readonly #sink: SpanSink
  readonly #attributes = new Attributes()
  readonly #draft = newDraft()
  /** First span of the trace that is being read: its processes come after them. */
  #from: number
  /** What each of these spans calls its process. */
  #processes: string[] = []

  constructor(sink: SpanSink) {
    this.#sink = sink
    this.#from = sink.count
  }

  /** Traces inside an answer; alone and in lists, the document and its elements are for the caller to give to `trace`. */
  patterns(): readonly Pattern[] {
    return [
      { path: ['data', '*'], take: this.trace },
      { path: ['data', '*', 'spans', '*'], take: this.span },
      { path: ['spans', '*'], take: this.span },
      { path: ['*', 'spans', '*'], take: this.span },
    ]
  }

  span = (value: unknown): void => {
    const sink = this.#sink
    const span = docOf(value)
    if (!isSpan(span)) return
    const [draft, attributes] = [this.#draft, this.#attributes]
    const start = numberOf(field(span, 'startTime')) / 1_000
    const epochMs = sink.epochMs(start)
    attributes.clear()
    for (const tag of listOf(field(span, 'tags'))) attributes.set(textOf(field(tag, 'key')), field(tag, 'value'))
    draft.traceId = textOf(field(span, 'traceID'))
    draft.id = textOf(field(span, 'spanID'))
    const reference = parentReference(field(span, 'references'), draft.traceId)
    draft.parentId = textOf(field(span, 'parentSpanID')) || textOf(field(reference, 'spanID'))
    draft.follows = field(reference, 'refType') === 'FOLLOWS_FROM'
    draft.name = textOf(field(span, 'operationName'))
    draft.kind = kindOf(attributes.get('kind'))
    draft.follows ||= draft.kind === 'consumer'
    draft.start = start - epochMs
    draft.end = draft.start + numberOf(field(span, 'duration')) / 1_000
    draft.failed = attributes.get('error') === 'true'
    draft.operation = operationOf(draft.name, draft.kind, attributes)
    draft.code = attributes.code()
    sink.format = formatName
    this.#processes.push(textOf(field(span, 'processID')))
    sink.add(draft)
  }

  trace = (value: unknown): void => {
    const { columns } = this.#sink
    const processes = docOf(field(value, 'processes'))
    const known = new Map<string, { service: number; host: number }>()
    for (const [id, process] of Object.entries(processes)) {
      this.#attributes.clear()
      for (const tag of listOf(field(process, 'tags'))) this.#attributes.set(textOf(field(tag, 'key')), field(tag, 'value'))
      const service = this.#sink.text(textOf(field(process, 'serviceName')))
      known.set(id, { service, host: this.#sink.text(this.#attributes.get('host')) })
    }
    for (const [i, id] of this.#processes.entries()) {
      columns.service[this.#from + i] = known.get(id)?.service ?? 0
      columns.host[this.#from + i] = known.get(id)?.host ?? 0
    }
    this.#processes = []
    this.#from = this.#sink.count
  }
}

/** The reference to the parent: to a span of the same trace, one that was waited for before one that was not. */
function parentReference(references: unknown, traceId: string): unknown {
  const own = listOf(references).filter((one) => {
    const trace = textOf(field(one, 'traceID'))
    return trace === '' || trace === traceId
  })
  return own.find((one) => field(one, 'refType') === 'CHILD_OF') ?? own[0]
}
