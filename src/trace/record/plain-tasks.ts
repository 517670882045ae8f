import type { PlainTask, RunRecord, TaskBatch } from '../../base/observer.ts'
import {
  batchTasks,
  type InCommon,
  mostBatchBytes,
  pack,
  PackedTasks,
  packedBytes,
  perTask,
  type PlainPiece,
} from '../format/packed-tasks.ts'

/** The least and the most bytes that are allocated at once. */
const leastChunk = 2 ** 13
const mostChunk = 2 ** 20
/** Stretches are objects, and many short ones would take more memory than rows do: at most this many, and one for every eight tasks. */
const fewStretches = 1_024
const tasksPerStretch = 8

interface Stretch extends InCommon {
  /** Its first task, counted from the first of all. */
  readonly from: number
}

interface Chunk {
  readonly bytes: Uint8Array
  /** As far as it is filled. */
  end: number
}

/**
 * Tasks of which only the times are recorded, in the order in which they settled. They become rows of a table when somebody looks.
 *
 * While tasks run, three things are dear. Code, which is cold when it has its turn once in many microseconds: so a task is three numbers in a row, and
 * a few hundred of them are packed in one go. Fresh memory, of which the first touch of 4 kB may take longer than writing a hundred tasks: so
 * they are packed into a few bytes each, three where lanes take turns, eleven at worst. And a buffer that is young when V8 collects garbage,
 * which makes that collection wake another thread: so there is one buffer for all tasks that are expected; a large one comes from the system
 * page by page, as it is written.
 */
export class PlainTasks {
  /** Those that came last; made for the first one. */
  #batch = new Float64Array(0)
  /** Numbers in the batch. */
  #filled = 0
  #packed = 0
  readonly #chunks: Chunk[] = []
  #expected = 0
  readonly #stretches: Stretch[] = []
  #run: RunRecord | undefined
  #shift = 0
  /** What {@link take} has given: tasks, chunks, and bytes of the last of those. */
  #taken = { tasks: 0, chunks: 0, bytes: 0 }

  get count(): number {
    return this.#packed + this.#filled / perTask
  }

  /** So many more are to come, as far as is known. */
  expect(tasks: number): void {
    this.#expected = Math.max(this.#expected, this.count + tasks)
  }

  /**
   * Times are of `performance.now()`, which counts nanoseconds, and are kept to the nanosecond.
   *
   * @returns false where it is not kept here, because runs take turns too often
   */
  add({ run, id, index, startedAt, settledAt }: PlainTask): boolean {
    const shift = index - id
    if ((run !== this.#run || shift !== this.#shift) && !this.#newStretch({ run, shift, row: 0, queuedAt: -1, bytes: 0 }))
      return false
    if (this.#filled === this.#batch.length) this.#makeRoom()
    const [batch, at] = [this.#batch, this.#filled]
    batch[at] = id
    batch[at + 1] = startedAt
    batch[at + 2] = settledAt
    this.#filled = at + perTask
    return true
  }

  /** The same of a batch, which is a stretch of its own. */
  addBatch({ run, firstId, firstIndex, row, queuedAt, startedAt, settledAt, bytes }: TaskBatch): boolean {
    if (!this.#newStretch({ run, shift: firstIndex - firstId, row, queuedAt, bytes })) return false
    for (let i = 0; i < settledAt.length; i++) {
      if (this.#filled === this.#batch.length) this.#makeRoom()
      const at = this.#filled
      this.#batch[at] = firstId + i
      this.#batch[at + 1] = startedAt[i] as number
      this.#batch[at + 2] = settledAt[i] as number
      this.#filled = at + perTask
    }
    // The next task has less in common with it.
    this.#run = undefined
    return true
  }

  /** How many tasks of which run there are from the one with that number on, counted from 0. */
  stretchesFrom(task: number): PlainPiece['stretches'] {
    const first = this.#stretches.findLastIndex(({ from }) => from <= task)
    return this.#stretches.slice(Math.max(0, first)).map(({ from, ...common }, i, list) => {
      const count = (list[i + 1]?.from ?? this.count) - Math.max(from, task)
      return { ...common, count }
    })
  }

  /** The tasks since the last call that are still here; the bytes change with the next task. */
  take(): PlainPiece {
    if (this.#filled > 0) this.#pack()
    const taken = this.#taken
    const [stretches, count] = [this.stretchesFrom(taken.tasks), this.count - taken.tasks]
    const batches: Uint8Array[] = []
    for (const [i, { bytes, end }] of this.#chunks.slice(Math.max(0, taken.chunks - 1)).entries())
      batches.push(bytes.subarray(i === 0 ? taken.bytes : 0, end))
    this.#taken = { tasks: this.count, chunks: this.#chunks.length, bytes: this.#chunks.at(-1)?.end ?? 0 }
    return { from: taken.tasks, count, stretches, batches }
  }

  /** Hands over each task as {@link add} took it, in an object that is used again for the next one, and forgets them. */
  drain(take: (task: PlainTask, common: InCommon) => void): void {
    const task = { run: undefined as unknown as RunRecord, id: 0, index: 0, startedAt: 0, settledAt: 0 }
    let [number, next, shift] = [0, 0, 0]
    let common: InCommon | undefined
    const hand = (tasks: Float64Array) => {
      for (let at = 0; at < tasks.length; at += perTask, number++) {
        const stretch = this.#stretches[next]
        if (stretch?.from === number) {
          common = stretch
          task.run = stretch.run
          shift = stretch.shift
          next++
        }
        task.id = tasks[at] as number
        task.index = task.id + shift
        task.startedAt = tasks[at + 1] as number
        task.settledAt = tasks[at + 2] as number
        take(task, common as InCommon)
      }
    }
    for (const { bytes, end } of this.#chunks) if (end > 0) new PackedTasks(bytes.subarray(0, end)).batches(hand)
    hand(this.#batch.subarray(0, this.#filled))
    this.#expected = Math.max(0, this.#expected - this.count)
    this.#filled = this.#packed = this.#stretches.length = 0
    // The first chunk is kept: where other tasks come between, this happens at every one of them.
    this.#chunks.length = Math.min(1, this.#chunks.length)
    for (const chunk of this.#chunks) chunk.end = 0
    this.#run = undefined
    this.#taken = { tasks: 0, chunks: 0, bytes: 0 }
  }

  #newStretch(common: InCommon): boolean {
    const from = this.count
    if (this.#stretches.length >= fewStretches + from / tasksPerStretch) return false
    this.#run = common.run
    this.#shift = common.shift
    this.#stretches.push({ ...common, from })
    return true
  }

  #makeRoom(): void {
    if (this.#filled > 0) this.#pack()
    else this.#batch = new Float64Array(perTask * batchTasks)
  }

  #pack(): void {
    let chunk = this.#chunks.at(-1)
    if (!chunk || chunk.end + mostBatchBytes > chunk.bytes.length) {
      const expected = packedBytes * (this.#expected - this.#packed)
      const size = Math.max(leastChunk, 2 * (chunk?.bytes.length ?? 0), expected)
      chunk = { bytes: new Uint8Array(Math.min(size, mostChunk)), end: 0 }
      this.#chunks.push(chunk)
    }
    chunk.end = pack(this.#batch.subarray(0, this.#filled), chunk.bytes, chunk.end)
    this.#packed += this.#filled / perTask
    this.#filled = 0
  }
}
