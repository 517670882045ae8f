/**
 * Waiters, in the order in which they will be served: higher priority first, first come first served within one.
 * Adding, taking the head and removing from the middle (an aborted waiter) cost the logarithm of the number of distinct priorities: each
 * may have one of its own, as when it is a time or a length.
 */
import { Heap } from '../base/heap.ts'

/** A place in a {@link WaitQueue}. The queue owns `previous`, `next` and `line`. */
export interface Place<T> {
  readonly value: T
  previous: Place<T> | undefined
  next: Place<T> | undefined
  line: Line<T> | undefined
}

interface Line<T> {
  readonly priority: number
  head: Place<T> | undefined
  tail: Place<T> | undefined
}

/** Fewer empty lines than these are not worth the work; chosen. */
const emptyAtLeast = 32

export class WaitQueue<T> {
  /** Highest priority on top, and there never an empty one. Those below may be empty: they are left in until they come up, or become many. */
  #order = new Heap<Line<T>>(higher)
  /** All lines in the order, empty ones too. */
  readonly #lines = new Map<number, Line<T>>()
  #empty = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The one to be served next. */
  get head(): T | undefined {
    return this.#order.top?.head?.value
  }

  add(value: T, priority: number): Place<T> {
    const line = this.#lineOf(priority)
    const place: Place<T> = { value, previous: line.tail, next: undefined, line }
    if (line.tail) line.tail.next = place
    else {
      line.head = place
      this.#empty--
    }
    line.tail = place
    this.#size++
    return place
  }

  /** Takes the head out. */
  shift(): T | undefined {
    const place = this.#order.top?.head
    if (place) this.remove(place)
    return place?.value
  }

  /** Takes any place out; false when it was out already. */
  remove(place: Place<T>): boolean {
    const { line, previous, next } = place
    if (!line) return false
    if (previous) previous.next = next
    else line.head = next
    if (next) next.previous = previous
    else line.tail = previous
    place.line = place.previous = place.next = undefined
    this.#size--
    if (!line.head) this.#emptied()
    return true
  }

  /** An empty line joins the order at once: whoever asked for it is about to fill it. */
  #lineOf(priority: number): Line<T> {
    let line = this.#lines.get(priority)
    if (line) return line
    line = { priority, head: undefined, tail: undefined }
    this.#lines.set(priority, line)
    this.#order.push(line)
    this.#empty++
    return line
  }

  #emptied(): void {
    this.#empty++
    for (let top = this.#order.top; top && !top.head; top = this.#order.top) {
      this.#order.pop()
      this.#lines.delete(top.priority)
      this.#empty--
    }
    if (this.#empty > emptyAtLeast && this.#empty > this.#order.size / 2) this.#tidy()
  }

  /** Costs as much as the lines that have become empty since the last time. */
  #tidy(): void {
    this.#order = new Heap<Line<T>>(higher)
    for (const line of this.#lines.values()) {
      if (line.head) this.#order.push(line)
      else this.#lines.delete(line.priority)
    }
    this.#empty = 0
  }
}

function higher(a: Line<unknown>, b: Line<unknown>): boolean {
  return a.priority > b.priority
}
