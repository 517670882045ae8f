/**
 * Ready tasks, the most urgent on top: longest remaining path first; of equal paths, the one that frees more results; then the one
 * created first. A binary heap over task numbers that knows where each stands, because a task's `frees` may grow while it waits.
 */
export class ReadyHeap {
  readonly #remaining: Float64Array
  readonly #frees: Uint32Array
  #heap: Uint32Array = new Uint32Array(64)
  /** The place of a task in the heap; out of date once it has left. */
  readonly #place: Uint32Array
  size = 0

  constructor(remaining: Float64Array, frees: Uint32Array) {
    this.#remaining = remaining
    this.#frees = frees
    this.#place = new Uint32Array(remaining.length)
  }

  /** True when `a` is to run before `b`. */
  before(a: number, b: number): boolean {
    const pathA = this.#remaining[a] as number
    const pathB = this.#remaining[b] as number
    if (pathA !== pathB) return pathA > pathB
    const freesA = this.#frees[a] as number
    const freesB = this.#frees[b] as number
    return freesA === freesB ? a < b : freesA > freesB
  }

  /** The most urgent task; only while there is one. */
  get top(): number {
    return this.#heap[0] as number
  }

  push(task: number): void {
    if (this.size === this.#heap.length) {
      const larger = new Uint32Array(this.size * 2)
      larger.set(this.#heap)
      this.#heap = larger
    }
    this.#up(this.size++, task)
  }

  /** Takes the most urgent task out; only while there is one. */
  pop(): number {
    const heap = this.#heap
    const top = heap[0] as number
    const last = heap[--this.size] as number
    if (this.size > 0) this.#down(0, last)
    return top
  }

  has(task: number): boolean {
    const place = this.#place[task] as number
    return place < this.size && this.#heap[place] === task
  }

  /** A task that waits here has become more urgent. */
  raise(task: number): void {
    this.#up(this.#place[task] as number, task)
  }

  #up(from: number, task: number): void {
    const [heap, place] = [this.#heap, this.#place]
    let at = from
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = heap[parentAt] as number
      if (!this.before(task, parent)) break
      heap[at] = parent
      place[parent] = at
      at = parentAt
    }
    heap[at] = task
    place[task] = at
  }

  #down(from: number, task: number): void {
    const [heap, place, size] = [this.#heap, this.#place, this.size]
    let at = from
    for (let childAt = 2 * at + 1; childAt < size; childAt = 2 * at + 1) {
      if (childAt + 1 < size && this.before(heap[childAt + 1] as number, heap[childAt] as number)) childAt++
      const child = heap[childAt] as number
      if (!this.before(child, task)) break
      heap[at] = child
      place[child] = at
      at = childAt
    }
    heap[at] = task
    place[task] = at
  }
}
