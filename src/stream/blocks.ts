/** Items in blocks that are sent to workers as one. */
import type { TimerHandle } from '../base/clock.ts'
import { packNumbers } from '../encoding/numbers.js'
import { packRows } from '../encoding/rows.js'
import type { Block } from '../run/shapes.ts'
import { messageBytesMost, Sizes, within } from '../run/sizes.ts'
import { end } from '../run/source.ts'
import type { Segment } from './segment.ts'
import { pending, type Polled, Stage } from './stage.ts'

/** How many items the next block has. */
export interface BlockSize {
  /** Blocks are cut by the items alone, so that partial results of them are the same on any machine. */
  readonly fixed: boolean
  of(first: number): number
}

/** So long that what comes soon travels together, and nobody notices. Chosen. */
const waitMs = 5

/**
 * Blocks by position: a block has at most a sixty-fourth of what came before, so that a few large items spread over all workers, and millions of
 * small ones travel in blocks of thousands.
 */
export const byPosition: BlockSize = {
  fixed: true,
  of: (first) => 2 ** Math.min(12, Math.floor(Math.log2(first / 64 + 1))),
}

/** Blocks that take about so long as they should, by what was measured. */
export class Measured implements BlockSize {
  readonly fixed = false
  readonly #targetMs: number
  readonly #most: number
  #size: number

  constructor(first: number, most: number, targetMs: number) {
    this.#size = first
    this.#most = most
    this.#targetMs = targetMs
  }

  of(): number {
    return this.#size
  }

  /** A block took so long. It grows fourfold at most, because the first ones say little. */
  record(count: number, ms: number): void {
    const wanted = Math.round((count * this.#targetMs) / Math.max(ms, 0.001))
    this.#size = Math.max(1, Math.min(wanted, 4 * this.#size, this.#most))
  }
}

/** What all blocks of a stage have in common. */
export type BlockHead = Pick<Block, 'start' | 'shuffle' | 'partitions'>

export class Blocks extends Stage<Block> {
  readonly #up: Stage
  readonly #size: BlockSize
  readonly #head: BlockHead
  /** Of this run alone: what is known from others must not change where blocks end. */
  readonly #sizes = new Sizes()
  #items: unknown[] = []
  #first = 0
  #block = 0
  #exhausted = false
  /** Items have waited for company long enough. */
  #due = false
  #timer: TimerHandle | undefined

  constructor(segment: Segment, up: Stage, size: BlockSize, head: BlockHead) {
    super(segment)
    this.#up = up.feed(this)
    this.#size = size
    this.#head = head
    segment.onStop(() => this.#stopTimer())
  }

  poll(): Polled<Block> {
    while (!this.#exhausted && this.#items.length < this.#wanted && !this.#due && !this.segment.stopped) {
      const item = this.#up.poll()
      if (item === pending) return this.#waitForMore()
      if (item === end) this.#exhausted = true
      else {
        this.#sizes.note(item)
        this.#items.push(item)
      }
    }
    if (this.#items.length > 0) return this.#give()
    return this.#exhausted ? end : this.wait()
  }

  get #wanted(): number {
    return Math.min(this.#size.of(this.#first), within(messageBytesMost, this.#sizes))
  }

  #waitForMore(): typeof pending {
    if (this.#items.length > 0 && !this.#size.fixed && this.#timer === undefined) {
      this.#timer = this.segment.run.clock.schedule(waitMs, () => {
        this.#timer = undefined
        this.#due = true
        this.notify()
      })
    }
    return this.wait()
  }

  #give(): Block {
    this.#stopTimer()
    this.#due = false
    const items = this.#items
    const rows = packRows(items)
    const block: Block = {
      ...this.#head,
      block: this.#block++,
      first: this.#first,
      count: items.length,
      items: rows ?? packNumbers(items) ?? items,
      packed: rows !== undefined,
    }
    this.#first += items.length
    this.#items = []
    return block
  }

  wake(): void {
    this.notify()
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.segment.run.clock.cancel(this.#timer)
    this.#timer = undefined
  }
}
