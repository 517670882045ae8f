/**
 * Reads large results a few at a time, so that the event loop turns in between however much comes back.
 *
 * Results of a megabyte take 4 to 15 ms to read, and workers make them on all cores at once. So a worker sends what is large as bytes, in pieces of half a
 * millisecond (`thread/outbox.js`), and this thread reads them in slices. What has arrived stays arrived: the worker may end meanwhile. While much
 * is unread, nothing more is handed out, so that what is held of both sides is bounded.
 *
 * Invariant: the items of a piece are under way (`Job.underWay`) until it has been read, and are reported once.
 */
import { performance, setImmediate } from '../../base/globals.js'
import { Unserializable } from '../../base/errors.ts'
import type { PackedValues } from '../../encoding/encoded.ts'
import { readWritten } from '../../encoding/written.js'
import type { ResultMessage } from '../protocol.ts'
import { copyingOf, noteCopying } from './copying.ts'
import { arrived, deliver, deliverRead, deliverUnread } from './delivery.ts'
import type { Job, Posted } from './job.ts'

/** What heddle takes of one turn of the event loop; the function that gets the results takes its time too. */
const sliceMs = 3
/** Unread bytes from which on nothing more is handed out: what workers have begun comes on top. Chosen. */
const mostUnreadBytes = 32 * 2 ** 20

interface Unread {
  readonly posted: Posted
  readonly row: number
  readonly piece: PackedValues
  /** Position in the batch of its first item. */
  readonly from: number
  readonly startedAt: ArrayLike<number> | undefined
  readonly settledAt: ArrayLike<number> | undefined
  readonly marks: ArrayLike<number> | undefined
}

const origin = performance.timeOrigin

export class Reading {
  readonly #settled: (job: Job) => void
  readonly #turned: () => void
  #queue: Unread[] = []
  #next = 0
  #bytes = 0
  /** When this turn's slice is over; 0 when none has begun. */
  #until = 0

  /** `settled` is called for each job of which something has been read, and `turned` after each slice. */
  constructor(settled: (job: Job) => void, turned: () => void) {
    this.#settled = settled
    this.#turned = turned
  }

  get busy(): boolean {
    return this.#next < this.#queue.length
  }

  /** So much is unread that nothing more should be asked for. */
  get full(): boolean {
    return this.#bytes > mostUnreadBytes
  }

  /** Takes the values of a message that has pieces. */
  add(posted: Posted, message: ResultMessage, row: number): void {
    const pieces = message.pieces as readonly PackedValues[]
    // Items that came out of order or were given up are looked at one by one.
    if (message.positions || posted.doomed) {
      return deliver(posted, { ...message, pieces: [], values: pieces.flatMap(({ bytes }) => readWritten(bytes)) }, row)
    }
    const count = pieces.reduce((sum, piece) => sum + piece.count, 0)
    const width = (message.marks?.length ?? 0) / count
    const [startedAt, settledAt, marks] = [message.startedAt, message.settledAt, message.marks].map((times) =>
      times?.map((time) => time - origin),
    )
    arrived(posted, message.from, count)
    let at = 0
    for (const piece of pieces) {
      const to = at + piece.count
      this.#bytes += piece.bytes.length
      this.#queue.push({
        posted,
        row,
        piece,
        from: message.from + at,
        startedAt: startedAt?.subarray(at, to),
        settledAt: settledAt?.subarray(at, to),
        marks: marks?.subarray(at * width, to * width),
      })
      at = to
    }
    if (this.#until === 0) this.#slice()
    else if (performance.now() < this.#until) this.#readUntil(this.#until)
  }

  readonly #slice = (): void => {
    this.#until = 0
    if (!this.busy) return
    this.#until = performance.now() + sliceMs
    setImmediate(this.#slice)
    this.#readUntil(this.#until)
    this.#turned()
  }

  #readUntil(until: number): void {
    do {
      const unread = this.#queue[this.#next] as Unread
      this.#queue[this.#next++] = undefined as never
      this.#bytes -= unread.piece.bytes.length
      if (!this.busy) {
        this.#queue = []
        this.#next = 0
      }
      this.#read(unread)
      this.#settled(unread.posted.job)
    } while (this.busy && performance.now() < until)
  }

  #read({ posted, row, piece, from, startedAt, settledAt, marks }: Unread): void {
    const { job } = posted
    if (job.cancelReason) return deliverUnread(posted, from, piece.count, row)
    const began = performance.now()
    let values
    try {
      values = readWritten(piece.bytes)
    } catch (cause) {
      const hint = 'Is there enough memory for it? Smaller results need less at a time.'
      const error = new Unserializable(`A result of "${job.ref.name}" could not be read`, { cause, hint })
      return deliverUnread(posted, from, piece.count, row, error)
    }
    const readMs = performance.now() - began
    job.estimate.recordRead(piece.count, readMs, piece.bytes.length)
    deliverRead(posted, from, values, row, startedAt, settledAt, marks)
    const copying = copyingOf(job)
    if (!copying) return
    copying.readMs += readMs
    copying.bytes += piece.bytes.length
    copying.ownMs += performance.now() - began - readMs
    noteCopying(job, false)
  }
}
