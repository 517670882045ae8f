/** Whether a model is at fault when it refuses requests that may be at fault themselves. Pure. */

/** A model that has answered before is at fault when it refuses this many requests in a row. Chosen. */
const refusalsTrusted = 3

export class Suspicion {
  /** Requests in a row that it refused and that may have been at fault themselves. */
  #refused = 0
  /** Requests in a row that it refused and another model answered. */
  #outdone = 0

  /**
   * It has refused a request that may be at fault itself. Says whether it looks as if the model were at fault: it has never answered, or
   * refuses one request after the other.
   */
  refusedAgain(hasAnswered: boolean): boolean {
    return ++this.#refused >= (hasAnswered ? refusalsTrusted : 1)
  }

  /** Another model has answered a request that this one refused. Says whether that goes on so. */
  outdone(): boolean {
    return ++this.#outdone >= refusalsTrusted
  }

  answered(): void {
    this.#refused = this.#outdone = 0
  }
}
