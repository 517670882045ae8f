/** The events of one piece of work, kept as far as they fit, for any number of readers, also those that come later or come back. */
import type { AgentEvent, Happening, Sink } from './events.ts'

export class EventLog implements Sink {
  readonly #most: number
  #events: AgentEvent[] = []
  /** The number of the first that is kept. */
  #first = 1
  #ended = false
  #wake: (() => void)[] = []

  /** @param most events that are kept; the oldest go first */
  constructor(most: number) {
    this.#most = most
  }

  emit(event: Happening): void {
    if (this.#ended) return
    this.#events.push({ ...event, seq: this.#first + this.#events.length, at: Date.now() } as AgentEvent)
    // In halves: taking one off the front of each would move all the others.
    if (this.#events.length >= 2 * this.#most) {
      this.#first += this.#events.length - this.#most
      this.#events = this.#events.slice(-this.#most)
    }
    if (event.type === 'end') this.#ended = true
    const wake = this.#wake
    this.#wake = []
    for (const each of wake) each()
  }

  /** The events after the one of that number, and then as they come; ends with the work. */
  async *after(seq: number): AsyncGenerator<AgentEvent, void, undefined> {
    let next = seq + 1
    for (;;) {
      if (next < this.#first) {
        yield { type: 'missed', count: this.#first - next, branch: '', seq: this.#first - 1, at: Date.now() }
        next = this.#first
      }
      const event = this.#events[next - this.#first]
      if (event) {
        next++
        yield event
      } else if (this.#ended) return
      else await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }
}
