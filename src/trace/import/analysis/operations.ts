/** Which spans are calls of the same thing, and what a span with all that is below it does to the outside. */
import { type Spans } from '../spans/spans.ts'
import { accesses, categories, flag } from '../spans/vocabulary.ts'
import type { Forest } from './forest.ts'

const readPlace = accesses.indexOf('read')
const writePlace = accesses.indexOf('write')

/** Bits of what a tree of spans does. */
export const does = { read: 1, write: 2, unknown: 4 } as const

/** The same number for spans of one service that call the same. */
export function operationKey({ rows }: Spans, row: number): string {
  return `${rows.service[row]}:${rows.category[row]}:${rows.detail[row] || rows.name[row]}`
}

/** What a person reads: `orders: SELECT * FROM items WHERE id = ?`. */
export function operationLabel(spans: Spans, row: number): string {
  const { rows, strings } = spans
  const what = strings[rows.detail[row] || (rows.name[row] as number)] ?? ''
  return what === '' ? '(no name)' : what
}

export const serviceOf = ({ rows, strings }: Spans, row: number): string => strings[rows.service[row] as number] ?? ''

export const codeOf = ({ rows, strings }: Spans, row: number): string => strings[rows.code[row] as number] ?? ''

export const nameOf = ({ rows, strings }: Spans, row: number): string => strings[rows.name[row] as number] || '(no name)'

const internal = categories.indexOf('internal')

/**
 * What each span does, with everything below it. A call says by its own method what it does: a `GET` whose server writes a log is still a read, as HTTP
 * says of it. A span of the program's own does what its calls do, and nothing is known of one without calls.
 */
export function doings({ spans, order }: Forest): Uint8Array {
  const { rows } = spans
  const result = new Uint8Array(rows.count)
  for (let at = order.length - 1; at >= 0; at--) {
    const row = order[at] as number
    const access = rows.access[row] as number
    let own = result[row] as number
    if (access === readPlace) own = does.read
    else if (access === writePlace) own |= does.write
    else if (own === 0 && rows.category[row] !== internal) own = does.unknown
    result[row] = own
    const up = rows.parent[row] as number
    if (up >= 0) result[up] = (result[up] as number) | own
  }
  return result
}

export const hasFlag = ({ rows }: Spans, row: number, which: keyof typeof flag): boolean =>
  ((rows.flags[row] as number) & flag[which]) !== 0
