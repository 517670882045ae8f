/** Who is alive, by beats: counters that change. Judged by the observer's own clock alone, so that nobody's wrong clock kills anybody. Pure. */
export class Liveness {
  readonly #deadMs: number
  readonly #seen = new Map<string, { readonly beat: number; readonly at: number }>()

  constructor(deadMs: number) {
    this.#deadMs = deadMs
  }

  /** Takes a look at somebody; true while he is alive. The first look always says so. */
  look(id: string, beat: number, now: number): boolean {
    const seen = this.#seen.get(id)
    if (seen && seen.beat === beat) return now - seen.at < this.#deadMs
    this.#seen.set(id, { beat, at: now })
    return true
  }

  /** Forgets those that are not there any more. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id)
  }
}
