import { InvalidTrace } from '../../base/errors.ts'
import { plainStretchBytes, shortStretchBytes } from './format.ts'
import { DamagedTasks } from './packed-tasks.ts'

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** So many tasks have this in common. */
interface PlainStretch {
  readonly run: number
  readonly parent: number
  /** What is to be added to their id for their index. */
  readonly shift: number
  readonly count: number
  readonly row: number
  /** -1 where each began at once. */
  readonly queuedAt: number
  readonly bytes: number
}

/** Reads the body of one block from its beginning to its end; whatever does not fit is an {@link InvalidTrace} that says where. */
export class BlockReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #offset: number
  #at = 0

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#offset = offset
  }

  damaged(what: string): InvalidTrace {
    return new InvalidTrace(`The trace is damaged at byte ${this.#offset}: ${what}`)
  }

  u8(): number {
    return this.#view.getUint8(this.#move(1))
  }

  u32(): number {
    return this.#view.getUint32(this.#move(4), true)
  }

  f64(): number {
    return this.#view.getFloat64(this.#move(8), true)
  }

  time(): number {
    const value = this.f64()
    if (!Number.isFinite(value) || value < 0) throw this.damaged('a time is not a number from 0 up')
    return value
  }

  /** A number of rows of the given size in bytes, which must fill the rest of the block. */
  count(bytesEach: number): number {
    const count = this.u32()
    if (count * bytesEach !== this.#bytes.length - this.#at) throw this.damaged('a block does not have the length that it says')
    return count
  }

  stretches(full: boolean): PlainStretch[] {
    const count = this.u32()
    if (count * (full ? plainStretchBytes : shortStretchBytes) > this.#bytes.length - this.#at)
      throw this.damaged('a block is too short')
    return Array.from({ length: count }, () => {
      const stretch = { run: this.u32(), parent: this.u32(), shift: this.f64(), count: this.u32() }
      if (!full) return { ...stretch, row: 0, queuedAt: -1, bytes: 0 }
      return { ...stretch, row: this.u32(), queuedAt: this.f64(), bytes: this.f64() }
    })
  }

  /** @param read takes the rest, and throws {@link DamagedTasks} when that is damaged; any other error is a fault of this code */
  undamaged(read: (rest: Uint8Array) => void): void {
    try {
      read(this.rest())
    } catch (error) {
      throw error instanceof DamagedTasks ? this.damaged(error.message) : error
    }
  }

  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at)
  }

  bytes(length: number): Uint8Array {
    const from = this.#move(length)
    return this.#bytes.subarray(from, from + length)
  }

  json(): unknown {
    try {
      return JSON.parse(utf8.decode(this.rest()))
    } catch {
      throw this.damaged('a block that should be JSON is not')
    }
  }

  #move(bytes: number): number {
    const from = this.#at
    if (from + bytes > this.#bytes.length) throw this.damaged('a block is too short')
    this.#at += bytes
    return from
  }
}
