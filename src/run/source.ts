/**
 * Where items come from: arrays and typed arrays, iterables, async iterables. Items are pulled one at a time when there is a
 * place for them, never ahead; whoever stops early must {@link Source.close}.
 */
import { describe, InvalidOption } from '../base/errors.ts'
import type { Entrance } from '../base/frame.ts'
import { adopt, peek, settled } from '../base/look.js'
import { Ring } from '../base/ring.ts'

/** Says that no item is left. */
export const end: unique symbol = Symbol('end')

export interface Source<T> {
  /** How many items there are in all; `Infinity` when that is not known. */
  readonly size: number
  /** True when `pull` gives promises. */
  readonly async: boolean
  /** Where the source's own code runs when it is called from elsewhere. The code that opens the source sets it; arrays have no code. @default where `pull` is called */
  enter?: Entrance
  /** The next item, or {@link end}; a promise only for asynchronous sources. */
  pull(): T | typeof end | Promise<T | typeof end>
  /** The items from `from` on, at most `count`, where they can be had without pulling; else undefined. */
  slice?(from: number, count: number): ArrayLike<T>
  /**
   * Lets the source clean up, once, and releases every `pull` that is waiting. Resolves when it has cleaned up; not later than now
   * where it is busy with a `pull`, which nothing can interrupt.
   */
  close(): void | Promise<void>
}

export type Input<T> = Iterable<T> | AsyncIterable<T> | ArrayLike<T>

/** @throws {InvalidOption} when there is nothing to iterate. */
export function sourceOf<T>(input: Input<T>, where: string): Source<T> {
  if (Array.isArray(input) || (ArrayBuffer.isView(input) && 'length' in input)) return new ArraySource(input as ArrayLike<T>)
  if (typeof input === 'object' && input !== null) {
    if (Symbol.asyncIterator in input) return new AsyncSource(input)
    if (Symbol.iterator in input) return new IterableSource(input)
    if (Number.isInteger((input as ArrayLike<T>).length)) return new ArraySource(input)
  }
  throw new InvalidOption(`Expected ${where} to get an array, an iterable or an async iterable, got ${describe(input)}`, {
    hint: hintFor(input),
  })
}

function hintFor(input: unknown): string | undefined {
  if (typeof input === 'string') return 'To work on the characters of a text, pass [...text].'
  if (typeof input === 'function') return 'The items come first, then the function.'
  return typeof peek(input, 'then') === 'function' ? 'It is a promise: await it first.' : undefined
}

/**
 * An iterator's result: an item, or {@link end}. As `for` loops do, it asks an object for `done` and then for `value`, and throws for anything
 * that is not an object: an iterator that gives numbers would otherwise never end.
 */
export function itemOf<T>(next: unknown): T | typeof end {
  if ((typeof next !== 'object' || next === null) && typeof next !== 'function') {
    throw new TypeError(`Expected the iterator's next() to give an object, got ${describe(next)}`)
  }
  const { done } = next as IteratorResult<T>
  return done ? end : (next as IteratorYieldResult<T>).value
}

const directly: Entrance = (body, ...args) => body(...args)

class ArraySource<T> implements Source<T> {
  readonly #items: ArrayLike<T>
  #next = 0
  readonly size: number
  readonly async = false

  constructor(items: ArrayLike<T>) {
    this.#items = items
    this.size = items.length
  }

  pull(): T | typeof end {
    return this.#next < this.size ? (this.#items[this.#next++] as T) : end
  }

  slice(from: number, count: number): ArrayLike<T> {
    const items = this.#items as readonly T[] & { subarray?: (from: number, to: number) => ArrayLike<T> }
    if (items.subarray) return items.subarray(from, from + count)
    return Array.prototype.slice.call(items, from, from + count) as T[]
  }

  close(): void {}
}

class IterableSource<T> implements Source<T> {
  enter: Entrance = directly
  readonly #iterator: Iterator<T>
  #done = false
  #pulling = false
  #closeLater = false
  readonly size: number
  readonly async = false

  constructor(input: Iterable<T>) {
    this.#iterator = input[Symbol.iterator]()
    this.size = input instanceof Set || input instanceof Map ? input.size : Number.POSITIVE_INFINITY
  }

  pull(): T | typeof end {
    if (this.#done) return end
    this.#pulling = true
    try {
      const item = itemOf<T>(this.#iterator.next())
      if (item === end) this.#done = true
      else if (!this.#closeLater) return item
      else this.#iterator.return?.()
      return end
    } catch (error) {
      this.#done = true
      throw error
    } finally {
      this.#pulling = false
    }
  }

  close(): void {
    if (this.#done) return
    this.#done = true
    // A generator that is at work, because its own code stops the run, cannot be closed from there.
    if (this.#pulling) this.#closeLater = true
    else this.enter(() => this.#iterator.return?.())
  }
}

/** Somebody who waits for an item. */
interface Pull<T> {
  readonly resolve: (item: T | typeof end) => void
  readonly reject: (error: unknown) => void
}

/** Pulls go to the iterator one after the other: not every iterator can be asked twice at once. */
class AsyncSource<T> implements Source<T> {
  enter: Entrance = directly
  readonly size = Number.POSITIVE_INFINITY
  readonly async = true
  readonly #iterator: AsyncIterator<T>
  #done = false
  /** The oldest is the one for which the iterator was asked. */
  readonly #pulls = new Ring<Pull<T>>()
  #closing: Promise<void> | undefined

  constructor(input: AsyncIterable<T>) {
    this.#iterator = input[Symbol.asyncIterator]()
  }

  pull(): Promise<T | typeof end> {
    return new Promise((resolve, reject) => {
      if (this.#done) return resolve(end)
      this.#pulls.push({ resolve, reject })
      if (this.#pulls.size === 1) this.#ask()
    })
  }

  #ask(): void {
    try {
      settled(this.enter(this.#next), this.#answered, this.#failed)
    } catch (error) {
      this.#failed(error)
    }
  }

  readonly #next = (): unknown => this.#iterator.next()

  readonly #answered = (next: unknown): void => {
    if (this.#done) return
    try {
      const item = itemOf<T>(next)
      if (item === end) return this.#end()
      this.#pulls.shift().resolve(item)
    } catch (error) {
      return this.#failed(error)
    }
    if (this.#pulls.size > 0) this.#ask()
  }

  readonly #failed = (error: unknown): void => {
    if (this.#done) return
    this.#pulls.shift().reject(error)
    this.#end()
  }

  #end(): void {
    this.#done = true
    while (this.#pulls.size > 0) this.#pulls.shift().resolve(end)
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    if (this.#done) return
    const busy = this.#pulls.size > 0
    this.#end()
    const closed = adopt(this.enter(() => this.#iterator.return?.()))
    if (!busy) await closed
    else closed.catch(() => {})
  }
}
