/**
 * Ends a text before any of the texts that stop it. Engines look for them too, where they can; a stop that is spread over several parts must not be shown in part, so that what could be
 * the beginning of one is kept back. Pure.
 */
export class StopTexts {
  readonly #stops: readonly string[]
  readonly #longest: number
  #held = ''
  #stopped = false

  constructor(stops: readonly string[]) {
    this.#stops = stops
    this.#longest = stops.reduce((most, stop) => Math.max(most, stop.length), 0)
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** What may be shown now. */
  push(part: string): string {
    if (this.#stopped) return ''
    const text = this.#held + part
    let end = -1
    for (const stop of this.#stops) {
      const at = text.indexOf(stop)
      if (at >= 0 && (end < 0 || at < end)) end = at
    }
    if (end >= 0) {
      this.#stopped = true
      this.#held = ''
      return text.slice(0, end)
    }
    // Half of a character is not shown: engines cut their parts where tokens end, and not every client puts the halves together.
    const keep = Math.max(this.#beginning(text), /[\uD800-\uDBFF]$/.test(text) ? 1 : 0)
    this.#held = text.slice(text.length - keep)
    return text.slice(0, text.length - keep)
  }

  /** What was kept back and turned out to be no stop. */
  flush(): string {
    const text = this.#held
    this.#held = ''
    return text
  }

  /** How many letters at the end could be the beginning of a stop. */
  #beginning(text: string): number {
    for (let length = Math.min(text.length, this.#longest - 1); length > 0; length--) {
      const end = text.slice(text.length - length)
      if (this.#stops.some((stop) => stop.startsWith(end))) return length
    }
    return 0
  }
}
