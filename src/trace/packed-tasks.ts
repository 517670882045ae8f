/** How tasks of which only times and numbers are to be told are kept in a few bytes each. */

/** Tasks that are packed in one go, and numbers of each while they wait for it. */
export const batchTasks = 256
export const perTask = 3
/** Bytes that most tasks take when they are packed, and at most: a first byte, and three numbers of 56 bits. */
export const packedBytes = 4
export const mostPackedBytes = 1 + 3 * 8

/** The bits of a task's first byte: how many tasks before it the one settled at whose end it began (0: none of those), and what is told otherwise. */
const startsAtEnd = 63
const wentBack = 64
const idTold = 128

const nsPerMs = 1e6

/**
 * Packs a batch of tasks: id, start and end of each, in milliseconds. Most begin when another one ends, in the lane that they share, and are numbered in
 * that order: then a byte tells which, and two or three how long after the task before it they settled. What is otherwise is told by further numbers.
 *
 * @returns where it ended
 */
export function pack(tasks: Float64Array, bytes: Uint8Array, end: number): number {
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

/** Writes seven bits to a byte, the lowest first, and one that tells whether more follow. Gives where it ended. */
function put(bytes: Uint8Array, at: number, number: number): number {
  while (number > 127) {
    bytes[at++] = (number & 127) | 128
    number = Math.floor(number / 128)
  }
  bytes[at++] = number
  return at
}

/** With the sign in the lowest bit. */
function putSigned(bytes: Uint8Array, at: number, number: number): number {
  return put(bytes, at, number < 0 ? -2 * number - 1 : 2 * number)
}

/** Reads what {@link pack} wrote. */
export class Packed {
  at = 0
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  batch(): Float64Array {
    const tasks = new Float64Array(perTask * batchTasks)
    let [settled, nextId] = [0, 0]
    for (let at = 0; at < tasks.length; at += perTask) {
      const code = this.#bytes[this.at++] as number
      const back = code & startsAtEnd
      const id = nextId - back + (code & idTold ? this.#signed() : 0)
      settled += code & wentBack ? -this.#number() : this.#number()
      tasks[at] = id
      tasks[at + 1] = back > 0 ? (tasks[at - perTask * back + 2] as number) : (settled - this.#signed()) / nsPerMs
      tasks[at + 2] = settled / nsPerMs
      nextId = id + back + 1
    }
    return tasks
  }

  #number(): number {
    let [number, unit, byte] = [0, 1, 0]
    do {
      byte = this.#bytes[this.at++] as number
      number += (byte & 127) * unit
      unit *= 128
    } while (byte > 127)
    return number
  }

  #signed(): number {
    const number = this.#number()
    return number % 2 === 0 ? number / 2 : -(number + 1) / 2
  }
}
