// @ts-check
/**
 * Numbers keys from 0 on, in the order in which they come: two keys that a `Map` takes for the same have the same number.
 *
 * Whole numbers, which most keys of large tables are, lie in one typed array with open addressing and linear probing (Knuth, volume 3, 6.4): finding one
 * touches one line of the cache, where a `Map` follows a chain through its entries. All other keys lie in a `Map`. The hash has a seed of its own for
 * each thread, so that nobody can choose keys that collide.
 */

/** Entries at first, and the share of them that may be taken. Chosen: short probes, and eight bytes for each. */
const [firstCells, fullest] = [64, 0.6]

const seed = Math.floor(Math.random() * 2 ** 32) | 0

/** The finalizer of MurmurHash3: each bit of the key reaches all bits. @param {number} key */
function hashOf(key) {
  let hash = key ^ seed
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return hash ^ (hash >>> 16)
}

export class KeyTable {
  /** How many keys it has. */
  size = 0
  /** Key and number + 1 of each entry; 0: free. */
  #cells = new Int32Array(2 * firstCells)
  #mask = firstCells - 1
  #taken = 0
  /** @type {Map<unknown, number>} */
  #others = new Map()

  /**
   * The number of the key, which is `size` as it was before where the key is new.
   * @param {unknown} key
   */
  numberOf(key) {
    if (typeof key !== 'number' || (key | 0) !== key) return this.#otherNumberOf(key)
    const cells = this.#cells
    const mask = this.#mask
    for (let at = hashOf(key) & mask; ; at = (at + 1) & mask) {
      const number = /** @type {number} */ (cells[2 * at + 1])
      if (number === 0) return this.#put(key, at)
      if (cells[2 * at] === key) return number - 1
    }
  }

  /** The number of the key; -1 where it has none. @param {unknown} key */
  find(key) {
    if (typeof key !== 'number' || (key | 0) !== key) return this.#others.get(key) ?? -1
    for (let at = hashOf(key) & this.#mask; ; at = (at + 1) & this.#mask) {
      const number = /** @type {number} */ (this.#cells[2 * at + 1])
      if (number === 0 || this.#cells[2 * at] === key) return number - 1
    }
  }

  /** @param {unknown} key */
  #otherNumberOf(key) {
    let number = this.#others.get(key)
    if (number === undefined) this.#others.set(key, (number = this.size++))
    return number
  }

  /** @param {number} key @param {number} at */
  #put(key, at) {
    this.#cells[2 * at] = key
    this.#cells[2 * at + 1] = ++this.size
    if (++this.#taken > fullest * (this.#mask + 1)) this.#grow()
    return this.size - 1
  }

  #grow() {
    const old = this.#cells
    const mask = 2 * this.#mask + 1
    const cells = new Int32Array(2 * old.length)
    for (let from = 0; from < old.length; from += 2) {
      if (old[from + 1] === 0) continue
      const key = /** @type {number} */ (old[from])
      let at = hashOf(key) & mask
      while (cells[2 * at + 1] !== 0) at = (at + 1) & mask
      cells[2 * at] = key
      cells[2 * at + 1] = /** @type {number} */ (old[from + 1])
    }
    this.#cells = cells
    this.#mask = mask
  }
}
