/**
 * How a job of a module that consented goes: which way it is being done, for how long, and what came of it. What it saw is held against what was
 * foreseen, in stretches of a few dozen milliseconds.
 */
import { performance } from '../../base/globals.js'
import type { Estimate } from './estimate.ts'
import type { Plan } from './plan.ts'

/** One way is held against what was foreseen after so long. Chosen: a dozen items and more, as far as they may run here at all. */
const longestMs = 20
/** In less than this the machine shows, not the way: of a part of a job, at whose ends items are at work, and of a whole one. Chosen. */
const [leastMs, leastWholeMs] = [10, 2]

/** A job. */
interface Going {
  readonly estimate: Estimate
  readonly work: { readonly stays?: unknown }
  remaining(): number
}

interface Stretch {
  readonly plan: Plan
  readonly trial: boolean
  readonly since: number
  /** Items that had begun. */
  readonly begun: number
}

export class SplitProgress {
  readonly #job: Going
  readonly #slots: number
  readonly #begun: () => number
  #stretch: Stretch | undefined

  /** `begun` says how many items of the job have begun, here and there. */
  constructor(job: Going, slots: number, begun: () => number) {
    this.#job = job
    this.#slots = slots
    this.#begun = begun
  }

  /** Where to go on. */
  next(): Plan {
    const now = performance.now()
    const stretch = this.#stretch
    if (stretch && (stretch.trial || now - stretch.since >= longestMs)) {
      if (now - stretch.since < longestMs) return stretch.plan
      this.#note(now, leastMs)
    }
    const { estimate, work } = this.#job
    const remaining = this.#job.remaining()
    const stays = work.stays !== undefined
    const known = estimate.plan(remaining, this.#slots, stays)
    const costs = remaining === Number.POSITIVE_INFINITY ? undefined : estimate.costs(this.#slots, stays)
    if (!costs) return known
    const hopes = { ...costs, thereMs: Math.min(costs.thereMs, costs.hereMs) }
    const trial = estimate.sure(this.#slots) ? estimate.planner.trial(known, hopes, remaining, this.#slots) : undefined
    const plan = trial ?? known
    if (this.#stretch?.plan !== plan || trial) {
      this.#note(now, leastMs)
      this.#stretch = { plan, trial: trial !== undefined, since: now, begun: this.#begun() }
    }
    return plan
  }

  /** The job is over. */
  end(): void {
    this.#note(performance.now(), this.#stretch?.begun === 0 ? leastWholeMs : leastMs)
  }

  /** What the present way came to, if it took long enough to say something. */
  #note(now: number, leastMs: number): void {
    const stretch = this.#stretch
    this.#stretch = undefined
    if (!stretch || now - stretch.since < leastMs) return
    const { estimate, work } = this.#job
    const costs = estimate.costs(this.#slots, work.stays !== undefined)
    const items = this.#begun() - stretch.begun
    if (items <= 0 || !costs || !estimate.sure(this.#slots)) return
    estimate.planner.record(stretch.plan, items, now - stretch.since, costs, this.#slots)
    if (stretch.trial) estimate.planner.tried(estimate.planner.choose(costs, items, this.#slots) === stretch.plan)
  }
}
