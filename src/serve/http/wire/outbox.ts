/**
 * What has been written and not been read yet. A client that reads slowly holds the bytes of its answer in this process; many of them would hold all of its memory. So answers are
 * handed to the socket in slices: a client that takes none for `stallMs` is let go, and beyond `mostBytes` of all answers that wait, the one that has waited longest goes first.
 *
 * Slices, because Node says of one large write only that it is over: a client that reads slowly would look like one that does not read.
 */
import type { ServerResponse } from 'node:http'
import { clearTimeout, setTimeout } from '../../../base/globals.js'

export interface OutboxOptions {
  readonly stallMs: number
  readonly mostBytes: number
}

/** Four times what Node reads from a socket at once; chosen. */
const sliceBytes = 65_536

/** What waits in the answers of all clients. */
export class Outbox {
  readonly #options: OutboxOptions
  /** Outputs that wait for their client, in the order in which they began to. */
  readonly #blocked = new Set<Output>()
  #bytes = 0
  /** How many clients have been let go because they did not read. */
  dropped = 0

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** Bytes that wait for their client. */
  get bytes(): number {
    return this.#bytes
  }

  get blocked(): number {
    return this.#blocked.size
  }

  /** @internal */
  get stallMs(): number {
    return this.#options.stallMs
  }

  /** @internal */
  changed(output: Output, bytes: number): void {
    this.#bytes += bytes
    if (bytes <= 0) return
    for (const oldest of this.#blocked) {
      if (this.#bytes <= this.#options.mostBytes) return
      this.drop(oldest)
    }
    // Nobody waits, and this one alone is more than there may be.
    if (this.#bytes > this.#options.mostBytes) this.drop(output)
  }

  /** @internal */
  block(output: Output): void {
    this.#blocked.add(output)
  }

  /** @internal */
  free(output: Output): void {
    this.#blocked.delete(output)
  }

  /** @internal */
  drop(output: Output): void {
    this.dropped++
    output.destroy()
  }
}

/** The bytes of one answer, after its head. */
export class Output {
  readonly #response: ServerResponse
  readonly #outbox: Outbox
  #queue: Uint8Array[] = []
  #waiting = 0
  #ended = false
  #gone = false
  #blocked = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #wanted: { readonly most: number; readonly resolve: () => void }[] = []
  /** What the outbox was last given to count. */
  #counted = 0

  constructor(response: ServerResponse, outbox: Outbox) {
    this.#response = response
    this.#outbox = outbox
    response.on('drain', () => this.#pump())
    response.once('close', () => this.#close())
    // A socket that breaks is a client that has left, which `close` says too.
    response.on('error', () => undefined)
  }

  /** The connection is gone, or was let go: nothing will arrive any more. */
  get gone(): boolean {
    return this.#gone
  }

  push(bytes: Uint8Array): void {
    if (this.#gone || this.#ended) return
    for (let at = 0; at < bytes.length; at += sliceBytes) this.#queue.push(bytes.subarray(at, at + sliceBytes))
    this.#waiting += bytes.length
    this.#pump()
  }

  /** No more comes. What waits is still written. */
  end(): void {
    this.#ended = true
    this.#pump()
  }

  /** Resolves when at most so many bytes wait, or nothing will arrive any more. */
  async room(most: number): Promise<void> {
    if (this.#waiting <= most || this.#gone) return
    await new Promise<void>((resolve) => this.#wanted.push({ most, resolve }))
  }

  /** @internal */
  destroy(): void {
    this.#response.destroy()
    this.#close()
  }

  #pump(): void {
    if (this.#gone) return
    const response = this.#response
    let sent = 0
    while (sent < this.#queue.length && !response.writableNeedDrain) {
      const slice = this.#queue[sent++] as Uint8Array
      this.#waiting -= slice.length
      response.write(slice)
    }
    if (sent > 0) this.#queue.splice(0, sent)
    if (this.#queue.length === 0 && this.#ended && !response.writableEnded) response.end()
    this.#account(sent > 0)
    if (this.#wanted.length > 0) this.#wake()
  }

  #wake(): void {
    const awake = this.#wanted.filter(({ most }) => this.#waiting <= most)
    this.#wanted = this.#wanted.filter(({ most }) => this.#waiting > most)
    for (const { resolve } of awake) resolve()
  }

  /** @param moved the client has taken something since */
  #account(moved: boolean): void {
    const held = this.#waiting + this.#response.writableLength
    const more = held - this.#counted
    this.#counted = held
    const blocked = held > 0
    if (blocked !== this.#blocked || moved) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      if (blocked) {
        this.#outbox.block(this)
        this.#timer = setTimeout(() => this.#stalled(), this.#outbox.stallMs)
        this.#timer.unref()
      } else this.#outbox.free(this)
    }
    this.#blocked = blocked
    if (more !== 0) this.#outbox.changed(this, more)
  }

  #stalled(): void {
    if (!this.#gone) this.#outbox.drop(this)
  }

  #close(): void {
    if (this.#gone) return
    this.#gone = true
    clearTimeout(this.#timer)
    this.#outbox.free(this)
    const held = this.#counted
    this.#counted = 0
    this.#queue = []
    this.#waiting = 0
    if (held !== 0) this.#outbox.changed(this, -held)
    for (const { resolve } of this.#wanted) resolve()
    this.#wanted = []
  }
}
