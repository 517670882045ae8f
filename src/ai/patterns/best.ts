/** Several drafts at once: the best by a score, or one made of all. */
import { checkFunction, checkOptions, rules } from '../../base/options.ts'
import { QuorumNotReached } from '../../base/errors.ts'
import type { TaskContext } from '../../base/frame.ts'
import { checkpointRule } from '../../checkpoint/index.ts'
import { type RunOptions, runRules } from '../../run/group.ts'
import { map } from '../../run/map.ts'
import { wantingVariety } from '../cache/variety.ts'
import { type Checkpointed, type Once, withOnce } from './once.ts'

/** Options of {@link best}. */
export interface BestOptions<T> extends RunOptions, Checkpointed {
  /** Samples. Minimum 1. */
  readonly n: number
  /** Higher is better; starts as soon as its sample is there. */
  readonly score: (answer: T, context: TaskContext) => number | PromiseLike<number>
  /** Samples under way at most. @default n */
  readonly concurrency?: number
}

/** What {@link best} gives. */
export interface BestResult<T> {
  readonly best: T
  readonly score: number
  /** All that succeeded, the best first; equal ones in order of sampling. */
  readonly ranked: readonly { readonly answer: T; readonly score: number; readonly index: number }[]
  readonly failed: readonly unknown[]
}

/**
 * Best of n: takes `n` samples at once, and gives the one that scores highest. Samples and scores that fail are left out.
 *
 * @param sample makes one answer
 * @throws {QuorumNotReached} when all failed; its `cause` is the first failure
 * @throws {InvalidOption} for a wrong option
 * @example
 * const { best: answer } = await best(() => ask(model, prompt), { n: 5, score: (text) => rate(text) })
 */
export async function best<T>(
  sample: (context: TaskContext) => T | PromiseLike<T>,
  options: BestOptions<T>,
): Promise<BestResult<T>> {
  checkFunction(sample, 'sample', 'best')
  checkOptions<BestOptions<T>>(
    options,
    { ...runRules, checkpoint: checkpointRule, n: rules.whole(1), score: rules.function, concurrency: rules.whole(1) },
    'best',
  )
  const { n, score, concurrency = n, checkpoint, ...run } = options
  checkFunction(score, 'score', 'best')
  type Scored = { answer: T; score: number; index: number }
  const one = async (once: Once, index: number, context: TaskContext): Promise<Scored> => {
    const answer = await once('sample', index, () => wantingVariety(() => sample(context)))
    const value = await once('score', index, () => score(answer, context))
    return { answer, score: Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value, index }
  }
  const indices = Array.from({ length: n }, (_, index) => index)
  const { ok, failed } = await withOnce(checkpoint, 'best', (once) =>
    map(indices, (index, context) => one(once, index, context), { name: 'best', ...run, concurrency, onFailure: 'settle' }),
  )
  const ranked = ok.toSorted((a, b) => b.score - a.score || a.index - b.index)
  const errors = failed.map(({ error }) => error)
  const [first] = ranked
  if (!first) throw new QuorumNotReached(`All ${n} samples failed`, { cause: errors[0] })
  return { best: first.answer, score: first.score, ranked, failed: errors }
}

/** Options of {@link synthesize}. */
export interface SynthesizeOptions extends RunOptions, Checkpointed {
  /** How many drafts must succeed. @default 1 */
  readonly enough?: number
  /** Drafts under way at most. @default all */
  readonly concurrency?: number
}

/**
 * Writes several `drafts` at once, and makes one answer of those that succeeded with `combine`.
 *
 * @throws {QuorumNotReached} when fewer than `enough` drafts succeeded
 * @throws {InvalidOption} for a wrong option
 * @example
 * const text = await synthesize([() => ask(small, prompt), () => ask(large, prompt)], (drafts) => merge(drafts))
 */
export async function synthesize<T, R>(
  drafts: readonly ((context: TaskContext) => T | PromiseLike<T>)[],
  combine: (drafts: readonly T[]) => R | PromiseLike<R>,
  options: SynthesizeOptions = {},
): Promise<R> {
  checkFunction(combine, 'combine', 'synthesize')
  for (const draft of drafts) checkFunction(draft, 'drafts', 'synthesize')
  checkOptions<SynthesizeOptions>(
    options,
    { ...runRules, checkpoint: checkpointRule, enough: rules.whole(1), concurrency: rules.whole(1) },
    'synthesize',
  )
  const { enough = 1, concurrency = Math.max(1, drafts.length), checkpoint, ...run } = options
  return withOnce(checkpoint, 'synthesize', async (once) => {
    const { ok, failed } = await map(drafts, (draft, context) => once('draft', context.index, () => draft(context)), {
      name: 'synthesize',
      ...run,
      concurrency,
      onFailure: 'settle',
    })
    if (ok.length >= enough) return once('combine', ok, () => combine(ok))
    throw new QuorumNotReached(`Expected at least ${enough} of ${drafts.length} drafts to succeed, got ${ok.length}`, {
      cause: failed[0]?.error,
    })
  })
}
