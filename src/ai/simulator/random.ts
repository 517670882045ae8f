/**
 * Random draws that depend on what is asked, not on when: a generator is keyed by the seed and by the content of a request,
 * so the same request gets the same answer and the same latency however many others are under way.
 */
import { createHash } from 'node:crypto'

export class Draws {
  #a: number
  #b: number
  #c: number
  #d: number

  /** Equal keys give equal draws. */
  constructor(...key: readonly (string | number)[]) {
    const digest = createHash('sha256').update(key.join('\u0000')).digest()
    this.#a = digest.readUInt32LE(0)
    this.#b = digest.readUInt32LE(4)
    this.#c = digest.readUInt32LE(8)
    this.#d = digest.readUInt32LE(12)
  }

  /** In [0, 1), by sfc32 (Chris Doty-Humphrey, PractRand). */
  uniform(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (this.#c << 21) | (this.#c >>> 11)
    this.#c = (this.#c + t) | 0
    return (t >>> 0) / 4_294_967_296
  }

  /** A lognormal value with that median; `sigma` is the deviation of its logarithm. */
  lognormal(median: number, sigma: number): number {
    // Box and Muller; 1 - u keeps the logarithm away from 0.
    const normal = Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
    return median * Math.exp(sigma * normal)
  }

  happens(probability: number): boolean {
    return this.uniform() < probability
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.uniform() * values.length)] as T
  }
}
