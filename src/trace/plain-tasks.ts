import type { PlainTask, RunRecord } from '../base/observer.ts'
import { batchTasks, mostPackedBytes, pack, Packed, packedBytes, perTask } from './packed-tasks.ts'

/** The least and the most bytes that are allocated at once. */
const leastChunk = 2 ** 14
const mostChunk = 2 ** 20
/** Stretches are objects, and many short ones would take more memory than rows do: at most so many, and one for every eight tasks. */
const fewStretches = 1_024
const tasksPerStretch = 8

/** Tasks in a row that have this in common. */
interface Stretch {
  readonly run: RunRecord
  /** What is to be added to the id of a task for its index: a map numbers both upwards. */
  readonly shift: number
  /** Its first task, counted from the first of all. */
  readonly from: number
}

interface Chunk {
  readonly bytes: Uint8Array
  /** As far as it is filled. */
  end: number
}

/**
 * Tasks of which there is nothing to tell but when they ran, in the order in which they settled. They become rows of a table when somebody looks.
 *
 * While tasks run, three things are dear. Code, which is cold when it has its turn once in many microseconds: so a task is three numbers in a row, and
 * a few hundred of them are packed in one go. Fresh memory, of which the first touch of 4 kB may take longer than writing a hundred tasks: so
 * they are packed into three to six bytes each. And a buffer that is young when V8 collects garbage, which makes that collection wake another thread: so
 * there is one buffer for all tasks that are expected; a large one comes from the system page by page, as it is written.
 */
export class PlainTasks {
  readonly #batch = new Float64Array(perTask * batchTasks)
  /** Numbers in the batch. */
  #filled = 0
  #packed = 0
  readonly #chunks: Chunk[] = []
  #expected = 0
  readonly #stretches: Stretch[] = []
  #run: RunRecord | undefined
  #shift = 0

  get count(): number {
    return this.#packed + this.#filled / perTask
  }

  /** That are taken by packed tasks. */
  get bytes(): number {
    return this.#chunks.reduce((sum, { end }) => sum + end, 0)
  }

  /** So many more are to come, as far as is known. */
  expect(tasks: number): void {
    this.#expected = this.count + tasks
  }

  /**
   * Times are of `performance.now()`, which counts nanoseconds, and are kept to the nanosecond.
   *
   * @returns false where it is not kept here, because runs take turns too often
   */
  add({ run, id, index, startedAt, settledAt }: PlainTask): boolean {
    const shift = index - id
    if ((run !== this.#run || shift !== this.#shift) && !this.#newStretch(run, shift)) return false
    const [batch, at] = [this.#batch, this.#filled]
    batch[at] = id
    batch[at + 1] = startedAt
    batch[at + 2] = settledAt
    this.#filled = at + perTask
    if (this.#filled === batch.length) this.#pack()
    return true
  }

  /** Hands over each task as {@link add} took it, and forgets them. */
  drain(take: (task: PlainTask) => void): void {
    let [task, next] = [0, 0]
    let stretch = this.#stretches[0] as Stretch
    const hand = (tasks: Float64Array) => {
      for (let at = 0; at < tasks.length; at += perTask, task++) {
        if (this.#stretches[next]?.from === task) stretch = this.#stretches[next++] as Stretch
        const [id, startedAt, settledAt] = [tasks[at] as number, tasks[at + 1] as number, tasks[at + 2] as number]
        take({ run: stretch.run, id, index: id + stretch.shift, startedAt, settledAt })
      }
    }
    for (const { bytes, end } of this.#chunks) {
      const packed = new Packed(bytes)
      while (packed.at < end) hand(packed.batch())
    }
    hand(this.#batch.subarray(0, this.#filled))
    this.#filled = this.#packed = this.#chunks.length = this.#stretches.length = 0
    this.#run = undefined
  }

  #newStretch(run: RunRecord, shift: number): boolean {
    if (this.#stretches.length >= fewStretches + this.count / tasksPerStretch) return false
    this.#run = run
    this.#shift = shift
    this.#stretches.push({ run, shift, from: this.count })
    return true
  }

  #pack(): void {
    let chunk = this.#chunks.at(-1)
    if (!chunk || chunk.end + mostPackedBytes * batchTasks > chunk.bytes.length) {
      const expected = packedBytes * (this.#expected - this.#packed)
      const size = Math.max(leastChunk, 2 * (chunk?.bytes.length ?? 0), expected)
      chunk = { bytes: new Uint8Array(Math.min(size, mostChunk)), end: 0 }
      this.#chunks.push(chunk)
    }
    chunk.end = pack(this.#batch, chunk.bytes, chunk.end)
    this.#packed += batchTasks
    this.#filled = 0
  }
}
