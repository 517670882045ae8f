import type { Operation } from '../spans/vocabulary.ts'
import type { SpanDraft } from '../spans/spans.ts'

const noOperation: Operation = { category: 'internal', access: 'unknown', detail: '', flags: 0 }

/** A draft that is filled again for each span: a million objects would be garbage at once. */
export const newDraft = (): { -readonly [K in keyof SpanDraft]: SpanDraft[K] } => ({
  traceId: '',
  id: '',
  parentId: '',
  name: '',
  service: '',
  host: '',
  start: 0,
  end: 0,
  kind: 'unspecified',
  operation: noOperation,
  code: '',
  failed: false,
  follows: false,
})

/** What tools of builds and tests run: a task of its own process, which reads and writes what its tool says. */
export const taskOperation = (detail: string): Operation => ({ category: 'task', access: 'unknown', detail, flags: 0 })

export const testOperation = (detail: string): Operation => ({ category: 'test', access: 'read', detail, flags: 0 })

/** A program's own code, between calls. */
export const ownOperation = (detail: string): Operation => ({ category: 'internal', access: 'unknown', detail, flags: 0 })
