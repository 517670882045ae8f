/**
 * How tasks with only times and numbers are kept in a few bytes each, in memory and in files.
 *
 *     batch  = count task*count                       at most 256 tasks, in the order in which they settled
 *     task   = code(u8) [id] settled [duration]
 *       code: bits 0-5   it began when the task this many places before it in the batch settled; 0: its duration follows
 *             bit 6      it settled before the one before it, by a clock that was put back
 *             bit 7      its id follows
 *       id               difference to the one that is expected: see nextId; signed
 *       settled          nanoseconds after (or before) the task before it in the batch, 0 for the first
 *       duration         nanoseconds; signed
 *
 * Numbers have seven bits to a byte, the lowest first, and an eighth that says whether more follow; signed ones have the sign in the lowest bit.
 *
 * Most tasks begin when another one ends, in the lane that they share, and are numbered in that order: they take a byte to say which that was,
 * and two or three for the time.
 */
import type { RunRecord } from '../../base/observer.ts'

/** Tasks that are packed in one go, and numbers of each while they wait for it. */
export const batchTasks = 256
export const perTask = 3
/** Bytes that most tasks take when they are packed, and that a batch takes at most: of each task a first byte, and three numbers of 56 bits. */
export const packedBytes = 4
export const mostBatchBytes = 2 + batchTasks * (1 + 3 * 8)

const startsAtEnd = 63
const wentBack = 64
const idTold = 128

const nsPerMs = 1e6

/**
 * @param tasks id, start and end of each, in milliseconds
 * @returns where it ended
 */
export function pack(tasks: Float64Array, bytes: Uint8Array, end: number): number {
  end = put(bytes, end, tasks.length / perTask)
  let [last, nextId, back] = [0, 0, 0]
  for (let at = 0; at < tasks.length; at += perTask) {
    const [id, startedAt, settledAt] = [tasks[at] as number, tasks[at + 1] as number, tasks[at + 2] as number]
    if (back === 0 || tasks[at - perTask * back + 2] !== startedAt) back = endAt(tasks, at, startedAt)
    const settled = Math.round(settledAt * nsPerMs)
    const moreId = id - (nextId - back)
    bytes[end++] = back | (moreId === 0 ? 0 : idTold) | (settled < last ? wentBack : 0)
    if (moreId !== 0) end = putSigned(bytes, end, moreId)
    end = put(bytes, end, Math.abs(settled - last))
    if (back === 0) end = putSigned(bytes, end, settled - Math.round(startedAt * nsPerMs))
    nextId = id + back + 1
    last = settled
  }
  return end
}

/** How many tasks before this one a task ended at that time; 0 when none of the last did. */
function endAt(tasks: Float64Array, at: number, time: number): number {
  const most = Math.min(startsAtEnd, at / perTask)
  for (let back = 1; back <= most; back++) if (tasks[at - perTask * back + 2] === time) return back
  return 0
}

function put(bytes: Uint8Array, at: number, number: number): number {
  while (number > 127) {
    bytes[at++] = (number & 127) | 128
    number = Math.floor(number / 128)
  }
  bytes[at++] = number
  return at
}

function putSigned(bytes: Uint8Array, at: number, number: number): number {
  return put(bytes, at, number < 0 ? -2 * number - 1 : 2 * number)
}

/** Bytes that are not packed tasks. A class of its own, so that a slip of the code is not taken for damage. */
export class DamagedTasks extends Error {}

/** Reads what {@link pack} wrote. */
export class PackedTasks {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Hands over id, start and end of each task, batch by batch, in an array that is used again for the next one. @throws {DamagedTasks} where the bytes are not such tasks */
  batches(take: (tasks: Float64Array) => void): void {
    const room = new Float64Array(perTask * batchTasks)
    while (this.#at < this.#bytes.length) take(this.#batch(room))
  }

  #batch(room: Float64Array): Float64Array {
    const count = this.#number()
    if (count > batchTasks) throw new DamagedTasks('a batch of tasks is too large')
    const tasks = count === batchTasks ? room : room.subarray(0, perTask * count)
    let [settled, nextId] = [0, 0]
    for (let at = 0; at < tasks.length; at += perTask) {
      const code = this.#byte()
      const back = code & startsAtEnd
      if (perTask * back > at) throw new DamagedTasks('a task begins at the end of a missing task')
      const id = nextId - back + (code & idTold ? this.#signed() : 0)
      settled += code & wentBack ? -this.#number() : this.#number()
      tasks[at] = id
      tasks[at + 1] = back > 0 ? (tasks[at - perTask * back + 2] as number) : (settled - this.#signed()) / nsPerMs
      tasks[at + 2] = settled / nsPerMs
      nextId = id + back + 1
    }
    return tasks
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) throw new DamagedTasks('a batch of tasks ends too soon')
    return this.#bytes[this.#at++] as number
  }

  #number(): number {
    let [number, unit, byte] = [0, 1, 0]
    do {
      byte = this.#byte()
      number += (byte & 127) * unit
      unit *= 128
    } while (byte > 127 && unit < 2 ** 56)
    if (byte > 127) throw new DamagedTasks('a number of a task is too long')
    return number
  }

  #signed(): number {
    const number = this.#number()
    return number % 2 === 0 ? number / 2 : -(number + 1) / 2
  }
}

/** What tasks in a row have in common. */
export interface InCommon {
  readonly run: RunRecord
  /** What is to be added to the id of a task for its index: a map numbers both upwards. */
  readonly shift: number
  /** Where they ran: 0 this thread, else the number of the worker. */
  readonly row: number
  /** When they were handed out; -1 where each began at once. */
  readonly queuedAt: number
  readonly bytes: number
}

/** Some of the tasks, as they are packed. */
export interface PlainPiece {
  /** Its first task, counted from the first that is still here. */
  readonly from: number
  readonly count: number
  readonly stretches: readonly (InCommon & { readonly count: number })[]
  readonly batches: readonly Uint8Array[]
}
