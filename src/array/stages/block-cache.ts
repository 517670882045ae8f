/** Blocks that were made in a computation and may be wanted again, by neighbours that overlap. The oldest go first. */
import type { BlockMaker } from '../expression/node.ts'

/** What all kept blocks may take together; chosen, so that a row of blocks of a few MB stays. */
const mostBytes = 256 << 20

type Elements = ArrayBufferView & ArrayLike<number | bigint>

export class BlockCache {
  readonly #mostBytes: number
  readonly #held = new Map<string, Elements>()
  readonly #makers = new WeakMap<BlockMaker, number>()
  #makerCount = 0
  readonly #making = new Map<string, Promise<ArrayLike<number | bigint> | undefined>>()
  #bytes = 0

  /** @param limitBytes of what is left for blocks */
  constructor(limitBytes: number) {
    this.#mostBytes = Math.min(mostBytes, limitBytes)
  }

  #key(maker: BlockMaker, index: readonly number[]): string {
    const number = this.#makers.get(maker) ?? ++this.#makerCount
    this.#makers.set(maker, number)
    return `${number} ${index.join()}`
  }

  /** The block if it is there; else as `make` gives it, once for all who ask meanwhile. Undefined where it cannot be kept. */
  async once(
    maker: BlockMaker,
    index: readonly number[],
    make: () => Promise<ArrayLike<number | bigint> | undefined>,
  ): Promise<ArrayLike<number | bigint> | undefined> {
    const known = this.#get(maker, index)
    if (known) return known
    const key = this.#key(maker, index)
    const under = this.#making.get(key)
    if (under) return (await under) ?? make()
    const making = make()
    this.#making.set(key, making)
    try {
      const made = await making
      if (made && ArrayBuffer.isView(made)) this.#put(maker, index, made)
      return made
    } finally {
      this.#making.delete(key)
    }
  }

  #get(maker: BlockMaker, index: readonly number[]): Elements | undefined {
    const key = this.#key(maker, index)
    const found = this.#held.get(key)
    if (!found) return undefined
    this.#held.delete(key)
    this.#held.set(key, found)
    return found
  }

  #put(maker: BlockMaker, index: readonly number[], elements: Elements): void {
    if (elements.byteLength > this.#mostBytes / 4) return
    const key = this.#key(maker, index)
    this.#bytes += elements.byteLength - (this.#held.get(key)?.byteLength ?? 0)
    this.#held.set(key, elements)
    for (const [oldest, held] of this.#held) {
      if (this.#bytes <= this.#mostBytes) return
      this.#held.delete(oldest)
      this.#bytes -= held.byteLength
    }
  }
}
