/**
 * What becomes of a schedule when tasks take other times than planned: everybody keeps the order of their tasks, and each starts as soon as it can. It is
 * serial generation in the order of the planned starts, with other durations.
 */
import { handovers } from '../schedule/floats.ts'
import { keepingNeeds } from '../schedule/keys.ts'
import type { Problem } from '../schedule/problem.ts'
import { takenBy, type Scheduled } from '../schedule/schedule.ts'
import { SerialGeneration } from '../schedule/serial.ts'

export class OrderPolicy {
  readonly #durations: Float64Array
  readonly #generation: SerialGeneration
  readonly #problem: Problem
  readonly #order: Uint32Array

  constructor(problem: Problem, scheduled: Pick<Scheduled, 'starts'>) {
    const { starts } = scheduled
    this.#durations = problem.durations.slice()
    this.#problem = { ...problem, durations: this.#durations }
    this.#generation = new SerialGeneration(this.#problem)
    const order = Uint32Array.from({ length: problem.size }, (_, t) => t).sort(
      (a, b) => (starts[a] as number) - (starts[b] as number) || a - b,
    )
    this.#order = keepingNeeds(problem, order)
  }

  /** The end with these durations. */
  end(durations: Float64Array): number {
    this.#durations.set(durations)
    return this.#generation.generate(this.#order)
  }

  /** The tasks that decided the end asked for last. */
  chain(): number[] {
    const { starts, ends, chosen } = this.#generation
    return handovers(this.#problem, starts, ends, takenBy(this.#problem, chosen))
  }
}
