/**
 * Who waits, in the order in which they will be served: higher priority first, first come first served within one.
 * Adding, taking the head and removing from the middle (an aborted waiter) all take constant time for a given number of
 * distinct priorities.
 */

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

export class WaitQueue<T> {
  /** Highest priority first. A line without places is taken out. */
  readonly #lines: Line<T>[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The one to be served next. */
  get head(): T | undefined {
    return this.#lines[0]?.head?.value
  }

  add(value: T, priority: number): Place<T> {
    const line = this.#lineOf(priority)
    const place: Place<T> = { value, previous: line.tail, next: undefined, line }
    if (line.tail) line.tail.next = place
    else line.head = place
    line.tail = place
    this.#size++
    return place
  }

  /** Takes the head out. */
  shift(): T | undefined {
    const place = this.#lines[0]?.head
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
    if (!line.head) this.#lines.splice(this.#lines.indexOf(line), 1)
    return true
  }

  /** All places, first to be served first. */
  places(): Place<T>[] {
    const places: Place<T>[] = []
    for (const line of this.#lines) for (let place = line.head; place; place = place.next) places.push(place)
    return places
  }

  #lineOf(priority: number): Line<T> {
    let at = 0
    for (; at < this.#lines.length; at++) {
      const line = this.#lines[at] as Line<T>
      if (line.priority === priority) return line
      if (line.priority < priority) break
    }
    const line: Line<T> = { priority, head: undefined, tail: undefined }
    this.#lines.splice(at, 0, line)
    return line
  }
}
