import { crc32 } from './crc32.ts'
import { blockHeadBytes, blockTypes, formatVersion, magic, plainStretchBytes, preambleBytes, rowsPerBlock } from './format.ts'
import { joined } from './joined.ts'
import { schemas, type TableName, tableNames, type TaskRows, type Trace, type TraceMeta } from '../model/trace.ts'
import type { PlainPiece } from './packed-tasks.ts'
import { type Column, type Rows, rowBytes, type Schema } from '../model/table.ts'

/** What changed besides new rows. */
export interface Changes {
  /** Rows of `runs` that changed after they were written. */
  readonly runs: Iterable<number>
  /** The tasks under way. */
  readonly open: TaskRows
  /** Tasks that are still packed, whether they have got rows or not, in their order. */
  readonly plain?: readonly PlainRows[]
}

export interface PlainRows extends PlainPiece {
  /** Where their clock stands when that of the trace stands at 0. */
  readonly origin: number
  /** The row of the first of them. */
  readonly row: number
  /** How many needs there are before theirs, which are none. */
  readonly needsEnd: number
}

/** Writes a growing trace as blocks: each call gives what came since the last. `format.ts` has the format. */
export class TraceEncoder {
  readonly #written: Record<TableName, number> = {
    needs: 0,
    tasks: 0,
    runs: 0,
    notes: 0,
    samples: 0,
    processors: 0,
    executors: 0,
  }
  #texts = 1

  /** What a file begins with. */
  begin(meta: TraceMeta): Uint8Array[] {
    const preamble = new Uint8Array(preambleBytes)
    preamble.set(magic)
    preamble[magic.length] = formatVersion
    const { durationMs: _, complete: __, ...head } = meta
    return [preamble, jsonBlock(blockTypes.head, head)]
  }

  /** The first rows of the tasks, which are written, are not in the trace any more. */
  forgotten(rows: number): void {
    this.#written.tasks -= rows
  }

  /** The blocks of what has come since the last call. @param changes what changed besides new rows */
  next(trace: Trace, changes?: Changes): Uint8Array[] {
    const blocks: Uint8Array[] = []
    if (trace.strings.length > this.#texts) {
      blocks.push(jsonBlock(blockTypes.texts, trace.strings.slice(this.#texts)))
      this.#texts = trace.strings.length
    }
    const changed = [...(changes?.runs ?? [])].filter((run) => run < this.#written.runs)
    for (const table of tableNames) {
      if (table === 'tasks') for (const piece of changes?.plain ?? []) this.#appendPlain(blocks, trace, piece)
      this.#appendRows(blocks, trace, table)
    }
    if (changed.length > 0) blocks.push(runsBlock(trace, changed))
    if (changes) blocks.push(openBlock(trace.meta.durationMs, changes.open))
    return blocks
  }

  /** The last blocks. */
  end(trace: Trace, changes?: Changes): Uint8Array[] {
    const block = new Block(blockTypes.end, 8)
    block.f64(trace.meta.durationMs)
    return [...this.next(trace, changes), block.sealed()]
  }

  /** Tasks that are packed, and the rows before them; their own rows are not written then, whether they are there or come later. */
  #appendPlain(blocks: Uint8Array[], trace: Trace, piece: PlainRows): void {
    this.#appendRows(blocks, trace, 'tasks', piece.row)
    if (piece.count === 0 || this.#written.tasks !== piece.row) return
    blocks.push(plainBlock(piece))
    this.#written.tasks += piece.count
  }

  #appendRows(blocks: Uint8Array[], trace: Trace, table: TableName, end = Number.POSITIVE_INFINITY): void {
    const rows = trace[table] as unknown as Rows<Schema>
    const last = Math.min(end, rows.count)
    for (let from = this.#written[table]; from < last; from += rowsPerBlock) {
      const to = Math.min(last, from + rowsPerBlock)
      const block = new Block(blockTypes.rows, 5 + (to - from) * rowBytes(schemas[table]))
      block.u8(tableNames.indexOf(table))
      block.u32(to - from)
      for (const name in schemas[table]) block.column((rows[name] as Column).subarray(from, to))
      blocks.push(block.sealed())
    }
    this.#written[table] = Math.max(this.#written[table], last)
  }
}

/** The whole trace as one file. */
export function encodeTrace(trace: Trace): Uint8Array {
  const encoder = new TraceEncoder()
  return joined([...encoder.begin(trace.meta), ...encoder.end(trace)])
}

function runsBlock(trace: Trace, changed: readonly number[]): Uint8Array {
  const block = new Block(blockTypes.runs, 4 + changed.length * (4 + rowBytes(schemas.runs)))
  block.u32(changed.length)
  block.column(Uint32Array.from(changed))
  for (const name in schemas.runs) {
    const column = trace.runs[name as keyof typeof schemas.runs]
    const cells = column.slice(0, changed.length)
    for (let i = 0; i < changed.length; i++) cells[i] = column[changed[i] as number] as number
    block.column(cells)
  }
  return block.sealed()
}

function plainBlock({ origin, needsEnd, stretches, batches }: PlainRows): Uint8Array {
  const bytes = batches.reduce((sum, { length }) => sum + length, 0)
  const block = new Block(blockTypes.plain, 16 + stretches.length * plainStretchBytes + bytes)
  block.f64(origin)
  block.u32(needsEnd)
  block.u32(stretches.length)
  for (const { run, shift, count, row, queuedAt, bytes } of stretches) {
    block.u32(run.id)
    block.u32(run.parentTask)
    block.f64(shift)
    block.u32(count)
    block.u32(row)
    block.f64(queuedAt)
    block.f64(bytes)
  }
  for (const batch of batches) block.column(batch)
  return block.sealed()
}

function openBlock(now: number, open: TaskRows): Uint8Array {
  const block = new Block(blockTypes.open, 12 + open.count * rowBytes(schemas.tasks))
  block.f64(now)
  block.u32(open.count)
  for (const name in schemas.tasks) block.column(open[name as keyof typeof schemas.tasks])
  return block.sealed()
}

function jsonBlock(type: number, value: unknown): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(value))
  const block = new Block(type, text.length)
  block.column(text)
  return block.sealed()
}

class Block {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = blockHeadBytes

  constructor(type: number, payloadBytes: number) {
    this.#bytes = new Uint8Array(blockHeadBytes + 1 + payloadBytes)
    this.#view = new DataView(this.#bytes.buffer)
    this.u8(type)
  }

  u8(value: number): void {
    this.#view.setUint8(this.#at, value)
    this.#at += 1
  }

  u32(value: number): void {
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
  }

  f64(value: number): void {
    this.#view.setFloat64(this.#at, value, true)
    this.#at += 8
  }

  column(cells: Column): void {
    this.#bytes.set(new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength), this.#at)
    this.#at += cells.byteLength
  }

  /** With length and checksum. */
  sealed(): Uint8Array {
    const body = this.#bytes.subarray(blockHeadBytes)
    this.#view.setUint32(0, body.length, true)
    this.#view.setUint32(4, crc32(body), true)
    return this.#bytes
  }
}
