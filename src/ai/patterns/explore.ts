/**
 * Parallel reasoning chains as a beam search (Yao et al., "Tree of Thoughts", arXiv 2305.10601): every state of a level is
 * expanded at once, every new state is scored as soon as it is there, and the best of them go on.
 */
import { QuorumNotReached } from '../../base/errors.ts'
import type { TaskContext } from '../../base/frame.ts'
import { checkFunction, checkOptions, rules } from '../../base/options.ts'
import { checkpointRule } from '../../checkpoint/index.ts'
import { type RunOptions, runRules } from '../../run/group.ts'
import { map } from '../../run/map.ts'
import { wantingVariety } from '../cache/variety.ts'
import { type Checkpointed, type Once, withOnce } from './once.ts'

/** Options of {@link explore}. */
export interface ExploreOptions<S> extends RunOptions, Checkpointed {
  /** Where all chains begin. */
  readonly start: S
  /** The states that may follow one; none ends the chain there. */
  readonly expand: (state: S, context: TaskContext) => readonly S[] | PromiseLike<readonly S[]>
  /** Higher is better. */
  readonly score: (state: S, context: TaskContext) => number | PromiseLike<number>
  /** States that go on from each level. Minimum 1. @default 3 */
  readonly width?: number
  /** Levels at most. Minimum 1. @default 4 */
  readonly depth?: number
  /** A state that needs no further step ends the search after its level. @default none */
  readonly done?: (state: S) => boolean
  /** States with the same key are followed once. @default all differ */
  readonly key?: (state: S) => unknown
  /** Expansions under way at most. @default width */
  readonly concurrency?: number
}

/** One way through the states, and how good its end is. */
export interface Chain<S> {
  readonly state: S
  readonly score: number
  /** From the start to the state. */
  readonly path: readonly S[]
}

/** What {@link explore} gives. */
export interface ExploreResult<S> extends Chain<S> {
  /** The last level, the best first. */
  readonly beam: readonly Chain<S>[]
  readonly levels: number
  /** States that were scored. */
  readonly explored: number
  readonly failed: readonly unknown[]
}

const exploreRules = {
  ...runRules,
  checkpoint: checkpointRule,
  start: rules.any,
  expand: rules.function,
  score: rules.function,
  width: rules.whole(1),
  depth: rules.whole(1),
  done: rules.function,
  key: rules.function,
  concurrency: rules.whole(1),
}

/**
 * Searches for the best state that can be reached in `depth` steps. Expansions and scores that fail only end their own chain.
 *
 * @throws {QuorumNotReached} when every expansion of a level failed
 * @throws {InvalidOption} for a wrong option
 * @example
 * const { best } = await explore({ start: draft, expand: improve, score: rate, width: 3, depth: 4 })
 */
export async function explore<S>(options: ExploreOptions<S>): Promise<ExploreResult<S>> {
  checkOptions<ExploreOptions<S>>(options, exploreRules, 'explore')
  checkFunction(options.expand, 'expand', 'explore')
  checkFunction(options.score, 'score', 'explore')
  const { checkpoint, ...rest } = options
  return withOnce(checkpoint, 'explore', (once) => search(rest, once))
}

async function search<S>(options: ExploreOptions<S>, once: Once): Promise<ExploreResult<S>> {
  const { start, expand, score, width = 3, depth = 4, done = () => false, key, concurrency = width, ...run } = options
  const failed: unknown[] = []
  const seen = new Set<unknown>(key ? [key(start)] : [])
  let beam: readonly Chain<S>[] = [{ state: start, score: Number.NEGATIVE_INFINITY, path: [start] }]
  let top: Chain<S> | undefined
  let [explored, levels] = [0, 0]

  const follow = async (chain: Chain<S>, context: TaskContext): Promise<readonly Chain<S>[]> => {
    const next = await once('expand', chain.path, () => wantingVariety(() => expand(chain.state, context)))
    const states = next.filter((state) => !key || addNew(seen, key(state)))
    const scored = await map(
      states,
      async (state, inner) => {
        const path = [...chain.path, state]
        return { state, score: await once('score', path, () => score(state, inner)), path }
      },
      {
        name: 'score',
        concurrency: Number.POSITIVE_INFINITY,
        onFailure: 'settle',
      },
    )
    failed.push(...scored.failed.map(({ error }) => error))
    return scored.ok
  }

  for (; levels < depth && beam.length > 0;) {
    const { ok, failed: lost } = await map(beam, follow, { name: 'explore', ...run, concurrency, onFailure: 'settle' })
    failed.push(...lost.map(({ error }) => error))
    if (ok.length === 0) throw new QuorumNotReached(`Every expansion of level ${levels + 1} failed`, { cause: failed.at(-1) })
    const next = ok.flat().toSorted((a, b) => b.score - a.score)
    if (next.length === 0) break
    levels++
    explored += next.length
    beam = next.slice(0, width)
    top = !top || (beam[0] as Chain<S>).score > top.score ? (beam[0] as Chain<S>) : top
    if (beam.some(({ state }) => done(state))) break
  }
  const found = top ?? (beam[0] as Chain<S>)
  return { ...found, beam, levels, explored, failed }
}

function addNew(seen: Set<unknown>, key: unknown): boolean {
  if (seen.has(key)) return false
  seen.add(key)
  return true
}
