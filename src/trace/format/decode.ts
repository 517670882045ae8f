/** Reads the blocks of `format.ts` back. Files may come from anywhere: nothing is believed before it is checked. */
import { InvalidTrace } from '../../base/errors.ts'
import { checkRows } from './check.ts'
import { crc32 } from './crc32.ts'
import { blockHeadBytes, blockTypes, formatVersion, magic, oldestVersion, preambleBytes, rowsPerBlock } from './format.ts'
import {
  makeTrace,
  newTables,
  schemas,
  tableNames,
  type TaskRows,
  type Trace,
  type TraceMeta,
  type TraceTables,
} from '../model/trace.ts'
import { joined } from './joined.ts'
import { BlockReader } from './block-reader.ts'
import { DamagedTasks, PackedTasks, perTask } from './packed-tasks.ts'
import { appendPlainRow } from './plain-row.ts'
import { type Column, columnBytes, rowBytes, type Schema, Table } from '../model/table.ts'

/** Takes the bytes of a trace in pieces of any size, and has the trace so far. */
export class TraceDecoder {
  readonly tables: TraceTables = newTables()
  readonly strings: string[] = ['']
  #head: Omit<TraceMeta, 'durationMs' | 'complete'> | undefined
  #open = new Table(schemas.tasks)
  #now = 0
  #complete = false
  #rest: Uint8Array = new Uint8Array(0)
  #offset = 0
  #magicSeen = false
  #version = 0

  /** @throws {InvalidTrace} when the bytes are not a trace, or damaged */
  push(bytes: Uint8Array): void {
    let data = this.#rest.length === 0 ? bytes : joined([this.#rest, bytes])
    if (!this.#magicSeen) {
      if (data.length < preambleBytes && startsLikeMagic(data)) {
        this.#rest = data
        return
      }
      checkPreamble(data)
      this.#magicSeen = true
      this.#version = data[magic.length] as number
      data = this.#skip(data, preambleBytes)
    }
    for (let block = this.#nextBlock(data); block; block = this.#nextBlock(data)) {
      this.#apply(block)
      data = this.#skip(data, blockHeadBytes + block.length)
    }
    if (this.#complete && data.length > 0)
      throw new InvalidTrace(`The trace is damaged at byte ${this.#offset}: there are bytes after its end`)
    this.#rest = data
  }

  /** Number of bytes at the end that are not a whole block. */
  get torn(): number {
    return this.#rest.length
  }

  /** Whether the head has come: before that there is not a trace. */
  get begun(): boolean {
    return this.#head !== undefined
  }

  /** Processors that the machine offered; 1 before the head has come. */
  get cores(): number {
    return this.#head?.cores ?? 1
  }

  /** Whether the end has come. */
  get complete(): boolean {
    return this.#complete
  }

  /** Until when the trace reaches, in milliseconds. */
  get now(): number {
    return this.#now
  }

  /** The tasks under way when the last piece was written. */
  get open(): TaskRows {
    return this.#open.rows()
  }

  /** The trace so far, with the tasks under way as they stand; `complete` says whether it was ended. @throws {InvalidTrace} without a head */
  trace(): Trace {
    if (!this.#head) throw new InvalidTrace('The trace has no head: it ends before anything was recorded')
    const meta = { ...this.#head, durationMs: this.#now, complete: this.#complete }
    if (this.#complete || this.#open.count === 0) return makeTrace(meta, this.strings, this.tables)
    const tasks = new Table(schemas.tasks)
    tasks.reserve(this.tables.tasks.count + this.#open.count)
    for (const name in schemas.tasks) {
      const column = name as keyof typeof schemas.tasks
      tasks.columns[column].set(this.tables.tasks.rows()[column] as never)
    }
    tasks.count = this.tables.tasks.count
    const known = new Set(this.tables.tasks.rows().id)
    appendRows(tasks, this.#open.rows(), (row) => !known.has(this.#open.columns.id[row] as number))
    tasks.columns.needsEnd.fill(this.tables.needs.count, this.tables.tasks.count, tasks.count)
    return makeTrace(meta, this.strings, { ...this.tables, tasks })
  }

  #skip(data: Uint8Array, bytes: number): Uint8Array {
    this.#offset += bytes
    return data.subarray(bytes)
  }

  /** The body of the next block, or undefined when it is not all there. */
  #nextBlock(data: Uint8Array): Uint8Array | undefined {
    if (data.length < blockHeadBytes) return undefined
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
    const length = view.getUint32(0, true)
    if (data.length < blockHeadBytes + length) return undefined
    const body = data.subarray(blockHeadBytes, blockHeadBytes + length)
    // A crash of the machine may leave a last block of the right length with the wrong bytes.
    if (length === 0 || crc32(body) !== view.getUint32(4, true)) {
      if (blockHeadBytes + length === data.length) return undefined
      throw new InvalidTrace(`The trace is damaged at byte ${this.#offset}: the checksum is wrong`)
    }
    return body
  }

  #apply(body: Uint8Array): void {
    const reader = new BlockReader(body, this.#offset)
    if (this.#complete) throw reader.damaged('there are bytes after its end')
    const type = reader.u8()
    if (!this.#head && type !== blockTypes.head) throw reader.damaged('it does not begin with a head')
    if (type === blockTypes.head) this.#head ??= readHead(reader)
    else if (type === blockTypes.texts) this.#readTexts(reader)
    else if (type === blockTypes.rows) this.#readRows(reader)
    else if (type === blockTypes.runs) this.#readRuns(reader)
    else if (type === blockTypes.open) this.#readOpen(reader)
    else if (type === blockTypes.plain) this.#readPlain(reader)
    else if (type === blockTypes.end) {
      this.#now = reader.time()
      this.#complete = true
    } else throw reader.damaged(`it has a block of unknown type ${type}`)
  }

  #readTexts(reader: BlockReader): void {
    const texts = reader.json()
    if (!Array.isArray(texts)) throw reader.damaged('its texts are not a list')
    for (const text of texts) {
      if (typeof text !== 'string') throw reader.damaged('one of its texts is not text')
      this.strings.push(text)
    }
  }

  #readRows(reader: BlockReader): void {
    const name = tableNames[reader.u8()]
    if (name === undefined) throw reader.damaged('it has rows of an unknown table')
    const table = this.tables[name] as Table<Schema>
    const from = table.count
    readColumns(reader, table, reader.count(rowBytes(table.schema)))
    const problem = checkRows(name, table, from, this.strings.length, this.tables.needs.count)
    if (problem !== undefined) throw reader.damaged(problem)
    this.#now = Math.max(this.#now, lastTime(table))
  }

  #readRuns(reader: BlockReader): void {
    const count = reader.count(4 + rowBytes(schemas.runs))
    const rows = Uint32Array.from({ length: count }, () => reader.u32())
    const changed = new Table(schemas.runs)
    readColumns(reader, changed, count)
    const problem = checkRows('runs', changed as Table<Schema>, 0, this.strings.length, 0)
    if (problem !== undefined) throw reader.damaged(problem)
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number
      if (row >= this.tables.runs.count) throw reader.damaged('it changes a run that is missing')
      for (const name in schemas.runs) {
        const column = name as keyof typeof schemas.runs
        this.tables.runs.columns[column][row] = changed.columns[column][i] as number
      }
    }
  }

  #readPlain(reader: BlockReader): void {
    const { tasks } = this.tables
    const from = tasks.count
    const origin = reader.time()
    const needsEnd = reader.u32()
    const stretches = reader.stretches(this.#version >= 3)
    let [stretch, left] = [-1, 0]
    const append = (batch: Float64Array) => {
      for (let at = 0; at < batch.length; at += perTask, left--) {
        // A stretch may have no tasks; behind the last one there is none.
        while (left === 0 && stretch < stretches.length) left = stretches[++stretch]?.count ?? 0
        const of = stretches[stretch]
        if (!of) throw new DamagedTasks('a task has no run')
        const [id, startedAt, settledAt] = [batch[at] as number, batch[at + 1] as number, batch[at + 2] as number]
        appendPlainRow(this.tables, {
          id,
          needsEnd,
          run: of.run,
          parent: of.parent,
          index: id + of.shift,
          row: of.row,
          queuedAt: of.queuedAt < 0 ? -1 : Math.max(0, of.queuedAt - origin),
          bytes: of.bytes,
          startedAt: Math.max(0, startedAt - origin),
          settledAt: Math.max(0, settledAt - origin),
        })
      }
    }
    reader.undamaged((rest) => new PackedTasks(rest).batches(append))
    if (left !== 0 || stretch + 1 < stretches.length) throw reader.damaged('tasks that it announces are missing')
    const problem = checkRows('tasks', tasks as Table<Schema>, from, this.strings.length, this.tables.needs.count)
    if (problem !== undefined) throw reader.damaged(problem)
    this.#now = Math.max(this.#now, lastTime(tasks as Table<Schema>))
  }

  #readOpen(reader: BlockReader): void {
    this.#now = Math.max(this.#now, reader.time())
    const count = reader.count(rowBytes(schemas.tasks))
    const open = new Table(schemas.tasks)
    readColumns(reader, open, count)
    open.columns.needsEnd.fill(0)
    const problem = checkRows('tasks', open as Table<Schema>, 0, this.strings.length, 0)
    if (problem !== undefined) throw reader.damaged(problem)
    this.#open = open
  }
}

/** @throws {InvalidTrace} */
export function decodeTrace(bytes: Uint8Array): Trace {
  const decoder = new TraceDecoder()
  decoder.push(bytes)
  if (bytes.length < preambleBytes) checkPreamble(bytes)
  return decoder.trace()
}

function startsLikeMagic(data: Uint8Array): boolean {
  return data.subarray(0, magic.length).every((byte, i) => byte === magic[i])
}

function checkPreamble(data: Uint8Array): void {
  if (data.length === 0) throw new InvalidTrace('Not a heddle trace: the file is empty')
  if (!startsLikeMagic(data)) throw new InvalidTrace('Not a heddle trace: the header is missing')
  if (data.length < preambleBytes) throw new InvalidTrace('The trace ends within its first bytes')
  const version = data[magic.length] as number
  if (version < oldestVersion || version > formatVersion) {
    const read = `formats ${oldestVersion} to ${formatVersion}`
    throw new InvalidTrace(`The trace has format ${version}; this version of heddle reads ${read}`, {
      hint: 'read it with the version of heddle that wrote it',
    })
  }
}

function readHead(reader: BlockReader): Omit<TraceMeta, 'durationMs' | 'complete'> {
  const head = reader.json()
  if (typeof head !== 'object' || head === null) throw reader.damaged('its head is not an object')
  const { name, epochMs, window, cores, runtime, processorTime, poolThreads } = head as Record<string, unknown>
  const good =
    typeof name === 'string' &&
    Number.isFinite(epochMs) &&
    (window === 'all' || window === 'runs') &&
    Number.isInteger(cores) &&
    (cores as number) >= 1 &&
    typeof runtime === 'string'
  if (!good) throw reader.damaged('its head lacks name, epochMs, window, cores or runtime')
  return {
    name,
    epochMs: epochMs as number,
    window,
    cores: cores as number,
    runtime,
    ...(processorTime === 'threads' && { processorTime }),
    ...(Number.isInteger(poolThreads) && (poolThreads as number) >= 1 && { poolThreads: poolThreads as number }),
  }
}

function readColumns<S extends Schema>(reader: BlockReader, table: Table<S>, count: number): void {
  const from = table.count
  table.reserve(from + count)
  table.count = from + count
  for (const name in table.schema) {
    const target = table.columns[name] as Column
    const bytes = reader.bytes(count * columnBytes(table.schema[name] as never))
    new Uint8Array(target.buffer, target.byteOffset + from * target.BYTES_PER_ELEMENT, bytes.length).set(bytes)
  }
}

function appendRows(table: Table<typeof schemas.tasks>, rows: TaskRows, keep: (row: number) => boolean): void {
  for (let row = 0; row < rows.count; row++) {
    if (!keep(row)) continue
    const at = table.append()
    for (const name in schemas.tasks) {
      const column = name as keyof typeof schemas.tasks
      table.columns[column][at] = rows[column][row] as number
    }
  }
}

function lastTime({ schema, columns, count }: Table<Schema>): number {
  const column = columns[schema.settledAt ? 'settledAt' : 'at']
  let last = 0
  if (column) for (let row = Math.max(0, count - rowsPerBlock); row < count; row++) last = Math.max(last, column[row] as number)
  return last
}
