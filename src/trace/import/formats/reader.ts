/** A format: paths at which its spans stand in JSON, or whole documents. */
import type { Pattern } from '../json/cutter.ts'
import type { SpanSink } from '../spans/spans.ts'
import type { Doc } from './values.ts'

/** A format whose files may be large: elements are taken as they come. */
export interface ElementFormat {
  readonly name: string
  patterns(sink: SpanSink): readonly Pattern[]
}

/** A format of small documents. */
export interface DocumentFormat {
  readonly name: string
  is(root: Doc): boolean
  /** @param file its name, for what has none of its own */
  read(root: Doc, sink: SpanSink, file: string): void
}
