import type { RunRecord } from '../base/observer.ts'

/** Rows of the first chunk; each further one has twice as many, up to what `malloc` takes from memory that it has at hand (128 kB in glibc). */
const firstRows = 512
const mostRows = 8_192
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

/**
 * Tasks of which there is nothing to tell but when they ran, in the order in which they settled: 12 bytes each, and nothing else is done while they
 * run. They become rows of a table when somebody looks. Memory is what recording costs most: the first touch of fresh 4 kB may
 * take longer than writing a hundred tasks.
 */
export class PlainTasks {
  count = 0
  readonly #chunks: Chunk[] = []
  #chunk = noChunk
  readonly #stretches: Stretch[] = []
  #run: RunRecord | undefined
  #shift = 0

  /**
   * Times are of `performance.now()`, which counts nanoseconds, and are kept to the nanosecond.
   *
   * @returns false where it cannot be kept here: times are seconds apart, or runs take turns too often
   */
  add(run: RunRecord, id: number, index: number, startedAt: number, settledAt: number): boolean {
    let chunk = this.#chunk
    if (chunk.count === chunk.rows) chunk = this.#newChunk()
    if (chunk.count === 0) chunk.base = nanoseconds(settledAt)
    const start = nanoseconds(startedAt) - chunk.base
    const duration = nanoseconds(settledAt) - chunk.base - start
    const [at, shift] = [chunk.count, index - id]
    chunk.start[at] = start
    chunk.duration[at] = duration
    if (chunk.start[at] !== start || chunk.duration[at] !== duration) return false
    if ((run !== this.#run || shift !== this.#shift) && !this.#newStretch(run, shift)) return false
    chunk.ids[at] = id
    chunk.count++
    this.count++
    return true
  }

  /** Hands over each task as {@link add} took it, and forgets them. */
  drain(take: (run: RunRecord, id: number, index: number, startedAt: number, settledAt: number) => void): void {
    let [task, next] = [0, 0]
    let stretch = this.#stretches[0] as Stretch
    for (const { base, count, ids, start, duration } of this.#chunks) {
      for (let i = 0; i < count; i++, task++) {
        if (this.#stretches[next]?.from === task) stretch = this.#stretches[next++] as Stretch
        const [id, from] = [ids[i] as number, base + (start[i] as number)]
        take(stretch.run, id, id + stretch.shift, from / nsPerMs, (from + (duration[i] as number)) / nsPerMs)
      }
    }
    this.count = 0
    // The first chunk is kept: where other tasks come between, this happens at every one of them.
    this.#chunks.length = Math.min(1, this.#chunks.length)
    this.#chunk = this.#chunks[0] ?? noChunk
    this.#chunk.count = 0
    this.#stretches.length = 0
    this.#run = undefined
  }

  #newStretch(run: RunRecord, shift: number): boolean {
    if (this.#stretches.length >= fewStretches + this.count / tasksPerStretch) return false
    this.#run = run
    this.#shift = shift
    this.#stretches.push({ run, shift, from: this.count })
    return true
  }

  #newChunk(): Chunk {
    const rows = this.#chunk === noChunk ? firstRows : Math.min(mostRows, 2 * this.#chunk.rows)
    this.#chunk = new Chunk(rows)
    this.#chunks.push(this.#chunk)
    return this.#chunk
  }
}

const nsPerMs = 1e6

function nanoseconds(ms: number): number {
  return Math.round(ms * nsPerMs)
}

class Chunk {
  count = 0
  /** The nanosecond from which starts are counted. */
  base = 0
  readonly rows: number
  readonly start: Int32Array
  readonly duration: Uint32Array
  readonly ids: Uint32Array

  constructor(rows: number) {
    this.rows = rows
    const buffer = new ArrayBuffer(12 * rows)
    this.start = new Int32Array(buffer, 0, rows)
    this.duration = new Uint32Array(buffer, 4 * rows, rows)
    this.ids = new Uint32Array(buffer, 8 * rows, rows)
  }
}

const noChunk = new Chunk(0)
