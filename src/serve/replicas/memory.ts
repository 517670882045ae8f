/** A bound on what models take together: the one that was used least recently makes room. No clock: models say when they were used. */
import type { Loadable } from '../model/settings.ts'

export class SharedMemory {
  readonly #limitBytes: number
  readonly #models = new Set<Loadable>()
  /** What is being loaded, with what it took the last time. */
  readonly #coming = new Map<Loadable, number>()
  #waiting: (() => void)[] = []

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** Resolves when the model may be opened: others that have nothing to do have been unloaded. */
  async room(model: Loadable): Promise<void> {
    this.#models.add(model)
    const needed = model.replicaSet.lastMemoryBytes
    while (this.#taken(model) + needed > this.#limitBytes && this.#others(model).length > 0) {
      const idle = this.#idle(model)
      // One that is at work is not taken away from its callers; it will be idle some time.
      if (!idle) await new Promise<void>((resolve) => this.#waiting.push(resolve))
      else await idle.unload()
    }
    this.#coming.set(model, needed)
  }

  /** It is open, or could not be opened. What it took is known now: others go if it is too much. */
  async loaded(model: Loadable): Promise<void> {
    this.#coming.delete(model)
    while (this.#taken() > this.#limitBytes) {
      const idle = this.#idle(model)
      if (!idle) break
      await idle.unload()
    }
    this.quiet()
  }

  /** Some model has nothing to do any more. */
  quiet(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #taken(but?: Loadable): number {
    let bytes = 0
    for (const model of this.#models) if (model !== but) bytes += this.#coming.get(model) ?? model.replicaSet.memoryBytes
    return bytes
  }

  /** Those that hold memory, or are about to. */
  #others(but: Loadable): Loadable[] {
    return [...this.#models].filter((model) => model !== but && (model.replicaSet.memoryBytes > 0 || this.#coming.has(model)))
  }

  #idle(but: Loadable): Loadable | undefined {
    return this.#others(but)
      .filter((model) => model.state === 'ready' && model.quiet)
      .toSorted((a, b) => a.usedAtMs - b.usedAtMs)[0]
  }
}
