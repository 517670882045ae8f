/**
 * A timeline window as bytes:
 *
 *     window = headLength(u32) head padding columns
 *
 * The head is JSON: the window without the contents of its lanes, and for each lane how many `slices` or whether `coverage` follow.
 * The columns are those of the lanes in order, each from an offset that is a multiple of eight, so that the reader takes them
 * as views of the one buffer and copies nothing. Little-endian, as every machine is that runs this.
 */
import type { Coverage, Lane, Slices, TimelineWindow } from './protocol.ts'

const align = 8
const aligned = (bytes: number): number => Math.ceil(bytes / align) * align

type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array
type NumbersOf = Uint8ArrayConstructor | Uint16ArrayConstructor | Uint32ArrayConstructor | Float64ArrayConstructor

const sliceColumns = {
  task: Uint32Array,
  group: Uint16Array,
  state: Uint8Array,
  critical: Uint8Array,
  queued: Float64Array,
  ready: Float64Array,
  started: Float64Array,
  settled: Float64Array,
} as const satisfies Record<Exclude<keyof Slices, 'count'>, NumbersOf>

const coverageColumns = {
  share: Uint8Array,
  group: Uint16Array,
  failed: Uint8Array,
  critical: Uint8Array,
} as const satisfies Record<keyof Coverage, NumbersOf>

/** A lane in the head: `rows` is the number of slices, `covered` that columns of coverage follow. */
type LaneHead = Omit<Lane, 'slices' | 'coverage'> & { readonly rows?: number; readonly covered?: true }
type WindowHead = Omit<TimelineWindow, 'lanes'> & { readonly lanes: readonly LaneHead[] }

export function encodeWindow(window: TimelineWindow): Uint8Array<ArrayBuffer> {
  const head: WindowHead = {
    ...window,
    lanes: window.lanes.map(({ slices, coverage, ...lane }) => ({
      ...lane,
      ...(slices && { rows: slices.count }),
      ...(coverage && { covered: true }),
    })),
  }
  const text = new TextEncoder().encode(JSON.stringify(head))
  const columns = window.lanes.flatMap(columnsOf)
  const bytes = columns.reduce((sum, column) => sum + aligned(column.byteLength), aligned(4 + text.length))
  const out = new Uint8Array(bytes)
  new DataView(out.buffer).setUint32(0, text.length, true)
  out.set(text, 4)
  let at = aligned(4 + text.length)
  for (const column of columns) {
    out.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at)
    at += aligned(column.byteLength)
  }
  return out
}

function columnsOf({ slices, coverage }: Lane): Numbers[] {
  return [
    ...(slices ? keys(sliceColumns).map((name) => slices[name].subarray(0, slices.count)) : []),
    ...(coverage ? keys(coverageColumns).map((name) => coverage[name]) : []),
  ]
}

/** @throws {RangeError} when the bytes are not a window */
export function decodeWindow(bytes: Uint8Array): TimelineWindow {
  // Views need an aligned buffer; what fetch gives is one.
  const buffer = bytes.byteOffset % align === 0 ? bytes : bytes.slice()
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
  const length = view.getUint32(0, true)
  const { lanes, ...window } = JSON.parse(new TextDecoder().decode(buffer.subarray(4, 4 + length))) as WindowHead
  let at = aligned(4 + length)
  const take = (type: NumbersOf, count: number): Numbers => {
    const column = new type(buffer.buffer as ArrayBuffer, buffer.byteOffset + at, count)
    at += aligned(column.byteLength)
    return column
  }
  const columns = <K extends string>(types: Readonly<Record<K, NumbersOf>>, count: number): Record<K, never> =>
    Object.fromEntries(keys(types).map((name) => [name, take(types[name], count)])) as Record<K, never>
  return {
    ...window,
    lanes: lanes.map(({ rows, covered, ...lane }) => ({
      ...lane,
      ...(rows !== undefined && { slices: { count: rows, ...columns(sliceColumns, rows) } }),
      ...(covered && { coverage: columns(coverageColumns, window.columns) }),
    })),
  }
}

const keys = <K extends string>(record: Readonly<Record<K, unknown>>): K[] => Object.keys(record) as K[]
