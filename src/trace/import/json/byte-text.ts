import { FileRefused } from '../../../base/errors.ts'

/** V8's longest string has about 512 MB; an element of a trace is far from it. */
const mostBytes = 256 << 20

/** Bytes of a text in UTF-8 that come in pieces. */
export class ByteText {
  #bytes = Buffer.alloc(0)
  length = 0

  append(bytes: Uint8Array, from: number, to: number): void {
    const length = this.length + to - from
    if (length > this.#bytes.length) this.#grow(length)
    // Small pieces are copied quicker by hand.
    if (to - from < 32) for (let at = from, into = this.length; at < to; at++, into++) this.#bytes[into] = bytes[at] as number
    else this.#bytes.set(bytes.subarray(from, to), this.length)
    this.length = length
  }

  /** The text; afterwards there is none. */
  take(): string {
    const text = this.#bytes.toString('utf8', 0, this.length)
    this.length = 0
    return text
  }

  #grow(length: number): void {
    if (length > mostBytes) throw new FileRefused(`one element of the file has more than ${mostBytes >> 20} MB`)
    const grown = Buffer.alloc(Math.max(length, 2 * this.#bytes.length, 256))
    grown.set(this.#bytes.subarray(0, this.length))
    this.#bytes = grown
  }
}
