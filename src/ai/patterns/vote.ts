/**
 * Self-consistency (Wang et al., arXiv 2203.11171): many samples of one answer, and the majority wins. It stops early, as in
 * Adaptive-Consistency (Aggarwal et al., 2305.11860) and Early-Stopping Self-Consistency (Li et al., 2401.10480).
 */
import { describe, InvalidOption, QuorumNotReached } from '../../base/errors.ts'
import type { TaskContext } from '../../base/frame.ts'
import { checkFunction, checkOptions, type Rule, rules } from '../../base/options.ts'
import { checkpointRule } from '../../checkpoint/index.ts'
import { type RunOptions, runRules } from '../../run/group.ts'
import { scope } from '../../run/scope.ts'
import { wantingVariety } from '../cache/variety.ts'
import { type Checkpointed, type Once, withOnce } from './once.ts'

/** Options of {@link vote}. */
export interface VoteOptions<T> extends RunOptions, Checkpointed {
  /** Samples at most. Minimum 1. */
  readonly n: number
  /**
   * When the vote is over. A number: when the leader is the true majority with that probability, from 0.5 to 1 (exclusive).
   * `'decided'`: when the samples that are left cannot change the winner. `'all'`: never early. @default 0.9
   */
  readonly until?: number | 'decided' | 'all'
  /** Samples under way at most; never more are started than could still be needed. @default n */
  readonly concurrency?: number
  /** What makes two answers the same vote. @default the answer as JSON, text without case and outer spaces */
  readonly by?: (answer: T) => string | number | boolean
  /** Fewer votes than this are not a result. @default 1 */
  readonly quorum?: number
}

/** What {@link vote} gives. */
export interface VoteResult<T> {
  /** The first answer that was given for the winning side. */
  readonly winner: T
  /** The probability that it is the true majority, by the votes counted. */
  readonly confidence: number
  /** All sides, most votes first. */
  readonly votes: readonly { readonly answer: T; readonly count: number }[]
  /** Samples that were started. */
  readonly samples: number
  /** Samples that failed, with why. */
  readonly failed: readonly unknown[]
}

const until: Rule = {
  expected: "a probability from 0.5 to 1, 'decided' or 'all'",
  accepts: (value) => value === 'decided' || value === 'all' || (typeof value === 'number' && value >= 0.5 && value < 1),
}
const voteRules = {
  ...runRules,
  checkpoint: checkpointRule,
  n: rules.whole(1),
  until,
  concurrency: rules.whole(1),
  by: rules.function,
  quorum: rules.whole(1),
}

/**
 * Takes up to `n` samples and gives the answer that most of them agree on; stops as soon as more would hardly change it.
 *
 * @param sample gives one answer; its context's `index` says which sample it is
 * @throws {QuorumNotReached} when fewer than `quorum` samples succeeded; its `cause` is the last failure
 *
 * @example
 * const { winner, samples } = await vote(() => solve(puzzle), { n: 16 })
 */
export async function vote<T>(
  sample: (context: TaskContext) => T | PromiseLike<T>,
  options: VoteOptions<T>,
): Promise<VoteResult<T>> {
  checkFunction(sample, 'sample', 'vote')
  checkOptions<VoteOptions<T>>(options, voteRules, 'vote')
  const { n, until = 0.9, concurrency = n, by = sameAnswer, quorum = 1, checkpoint, ...run } = options
  if (n === undefined) throw new InvalidOption(`Expected \`n\` to be a whole number from 1 up, got ${describe(n)}`)
  const ballot = new Ballot<T>(n, until, by)
  const samples = (once: Once) =>
    scope(
      (s) =>
        new Promise<void>((resolve, reject) => {
          const fill = (): void => {
            if (ballot.over) {
              // The samples that are still under way decide nothing any more.
              s.cancel(finished)
              return resolve()
            }
            while (ballot.running < concurrency && ballot.running < ballot.needed) {
              ballot.start()
              s.fork((context) => once('sample', context.index, () => wantingVariety(() => sample(context))), {
                name: 'sample',
              }).then(
                (answer) => {
                  ballot.count(answer)
                  fill()
                },
                (error: unknown) => {
                  if (s.signal.aborted && error === s.signal.reason) return reject(error as Error)
                  ballot.fail(error)
                  fill()
                },
              )
            }
          }
          s.signal.addEventListener('abort', () => reject(s.signal.reason as Error), { once: true })
          fill()
        }),
      { name: 'vote', ...run, onFailure: 'settle' },
    )
  await withOnce(checkpoint, 'vote', samples).catch((error: unknown) => {
    if (!ballot.over) throw error
  })
  return ballot.result(quorum)
}

const finished = new Error('the vote is decided')

/** Counts votes; a state machine. */
class Ballot<T> {
  readonly #n: number
  readonly #until: number | 'decided' | 'all'
  readonly #by: (answer: T) => string | number | boolean
  readonly #sides = new Map<string | number | boolean, { answer: T; count: number }>()
  readonly #failed: unknown[] = []
  #started = 0
  running = 0
  #counted = 0

  constructor(n: number, until: number | 'decided' | 'all', by: (answer: T) => string | number | boolean) {
    this.#n = n
    this.#until = until
    this.#by = by
  }

  start(): void {
    this.#started++
    this.running++
  }

  count(answer: T): void {
    if (this.over) return
    this.running--
    this.#counted++
    const side = this.#by(answer)
    const known = this.#sides.get(side)
    if (known) known.count++
    else this.#sides.set(side, { answer, count: 1 })
  }

  fail(error: unknown): void {
    if (this.over) return
    this.running--
    this.#failed.push(error)
  }

  get over(): boolean {
    return this.needed === 0
  }

  /** How many more votes it takes at least: those under way and still to be started. 0 when the vote is over. */
  get needed(): number {
    const left = this.#n - this.#counted - this.#failed.length
    const [first, second] = this.#leaders()
    if (this.#until === 'all' || left === 0) return left
    if (this.#until === 'decided') return Math.max(0, Math.min(left, Math.ceil((left - (first - second) + 1) / 2)))
    for (let more = 0; more < left; more++) if (leadIsTrue(first + more, second) >= this.#until) return more
    return left
  }

  result(quorum: number): VoteResult<T> {
    const votes = [...this.#sides.values()].sort((a, b) => b.count - a.count)
    const [winner] = votes
    if (!winner || this.#counted < quorum) {
      throw new QuorumNotReached(`Expected at least ${quorum} of ${this.#started} samples to succeed, got ${this.#counted}`, {
        cause: this.#failed.at(-1),
      })
    }
    const [first, second] = this.#leaders()
    return { winner: winner.answer, confidence: leadIsTrue(first, second), votes, samples: this.#started, failed: this.#failed }
  }

  #leaders(): readonly [number, number] {
    let [first, second] = [0, 0]
    for (const { count } of this.#sides.values()) {
      if (count > first) [first, second] = [count, first]
      else if (count > second) second = count
    }
    return [first, second]
  }
}

/**
 * The probability that the side with `first` votes is truly more frequent than the one with `second`, from a uniform prior:
 * P(Beta(first + 1, second + 1) > ½), which for whole numbers is a sum of binomials (2305.11860, the beta criterion).
 */
export function leadIsTrue(first: number, second: number): number {
  const trials = first + second + 1
  let term = 0.5 ** trials
  let sum = 0
  for (let k = 0; k <= first; k++) {
    sum += term
    term = (term * (trials - k)) / (k + 1)
  }
  return Math.min(1, sum)
}

function sameAnswer(answer: unknown): string {
  if (typeof answer === 'string') return answer.trim().toLowerCase()
  return JSON.stringify(answer) ?? String(answer)
}
