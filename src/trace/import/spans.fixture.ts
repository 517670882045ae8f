/** Spans for tests, written as one would draw them. */
import { newDraft } from './formats/draft.ts'
import { Attributes } from './spans/attributes.ts'
import { operationOf } from './spans/operation.ts'
import { type Spans, type SpanDraft, SpanSink } from './spans/spans.ts'

export interface Drawn extends Partial<Omit<SpanDraft, 'operation'>> {
  readonly id: string
  readonly start: number
  readonly ms: number
  readonly attributes?: Readonly<Record<string, unknown>>
}

export function drawn(spans: readonly Drawn[]): Spans {
  const sink = new SpanSink()
  sink.epochMs(0)
  for (const { attributes: given = {}, ms, ...rest } of spans) {
    const attributes = new Attributes()
    for (const [name, value] of Object.entries(given)) attributes.set(name, value)
    const draft = { ...newDraft(), traceId: 't', name: rest.id, ...rest, end: rest.start + ms }
    sink.add({ ...draft, operation: operationOf(draft.name, draft.kind, attributes), code: attributes.code() })
  }
  return sink.finish()
}
