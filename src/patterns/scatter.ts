/** Scatter-gather with a quorum: ask many, go on as soon as enough have answered. */
import { type Clock, systemClock } from '../base/clock.ts'
import { type Duration, durationMs, formatMs } from '../base/duration.ts'
import { Cancelled, QuorumNotReached, TimedOut } from '../base/errors.ts'
import type { TaskContext } from '../base/frame.ts'
import { nameOf } from '../base/look.js'
import { checkFunction, checkOptions, checkValue, type OptionRules, rules } from '../base/options.ts'
import { compilePolicy, type Policy, type PolicyOptions, policyRules } from '../limits/policy.ts'
import { refOf } from '../run/executor.ts'
import { keepPartial } from '../run/failure.ts'
import { Group, type RunOptions, runRules } from '../run/group.ts'
import { sentTo } from '../run/map.ts'
import { Contest } from './contest.ts'
import { Quorum } from './quorum.ts'

/** Options of {@link scatter}. */
export interface ScatterOptions extends RunOptions, PolicyOptions {
  /**
   * How many answers end it: the rest are then cancelled. Minimum 1. @default none: it waits for everybody, and no number is too few
   */
  readonly enough?: number
  /** How long it waits for answers; those that are not there by then are cancelled. @default without end */
  readonly within?: Duration
  /**
   * How long those that are not needed any more may go on after their signal. With the default nobody waits for a function that
   * ignores it. @default 0
   */
  readonly grace?: Duration
}

const scatterRules: OptionRules<ScatterOptions> = { ...runRules, ...policyRules, enough: rules.whole(1), within: rules.duration }

/** What {@link scatter} gives. */
export interface Scattered<T, I> {
  /** The answers, in the order of the targets; exactly `enough` of them where that is given. */
  readonly values: T[]
  /** Everybody else, in the same order: with its failure, `TimedOut` when `within` ran out, `Cancelled` when it was not needed. */
  readonly missing: { readonly index: number; readonly target: I; readonly error: unknown }[]
}

/**
 * Sends to all targets at once, and gives what came as soon as `enough` have answered.
 *
 * @param targets all are asked at once: the list is the bound; pass a `limit` when it is long
 * @param send gets the target and a `TaskContext`; have it return who answered where that matters. May be a worker function
 * @throws {QuorumNotReached} as soon as fewer than `enough` can still answer, or when `within` ran out: its `values` and `missing`
 *   tell what came, its `cause` is the first failure
 * @throws {Cancelled} when the run itself was cancelled
 * @throws {TimedOut} when its `deadline` ran out
 *
 * @example
 * const { values, missing } = await scatter(suppliers, askPrice, { enough: 3, within: '2s' })
 */
export function scatter<I, T>(
  targets: Iterable<I>,
  send: (target: I, context: TaskContext) => T | PromiseLike<T>,
  options: ScatterOptions = {},
): Promise<Scattered<Awaited<T>, I>> {
  return scatterWith(targets, send, options, systemClock)
}

/** @internal With a clock of the caller's, for `within` and `grace`. */
export async function scatterWith<I, T>(
  targets: Iterable<I>,
  send: (target: I, context: TaskContext) => T | PromiseLike<T>,
  options: ScatterOptions,
  clock: Clock,
): Promise<Scattered<Awaited<T>, I>> {
  checkFunction(send, 'send', 'scatter')
  checkOptions<ScatterOptions>(options, scatterRules, 'scatter')
  checkValue(
    (targets as Partial<Iterable<I>> | null | undefined)?.[Symbol.iterator] ?? null,
    rules.function,
    'targets[Symbol.iterator]',
  )
  const listed = [...targets]
  const withinMs = options.within === undefined ? Number.POSITIVE_INFINITY : durationMs(options.within, 'within')
  const policy = compilePolicy(options, { remote: refOf(send) !== undefined })
  const group = new Group('scatter', nameOf(send), options, listed.length, listed.length)
  const contest = new Contest(group, clock, { graceMs: durationMs(options.grace ?? 0, 'grace'), sameCall: false })
  const quorum = new Quorum<T>(listed.length, options.enough)
  const timer = clock.schedule(withinMs, () => {
    const reason = new TimedOut(`no answer within ${formatMs(withinMs)}`, { clock: 'deadline', limitMs: withinMs })
    quorum.close(reason)
    contest.decide(reason)
  })
  if (!group.aborted) sendAll(listed, send, options, policy, group, contest, quorum)
  await group.settled(group.aborted ? Promise.resolve() : contest.over)
  clock.cancel(timer)
  return outcome(listed, options.enough, group, quorum as Quorum<Awaited<T>>)
}

function sendAll<I, T>(
  targets: readonly I[],
  send: (target: I, context: TaskContext) => T | PromiseLike<T>,
  options: Pick<PolicyOptions, 'timeout' | 'retry'>,
  policy: Policy | undefined,
  group: Group,
  contest: Contest,
  quorum: Quorum<T>,
): void {
  const ref = refOf(send)
  const each = ref ? (sentTo(ref.executor, ref, options) as typeof send) : send
  if (quorum.decided) return contest.decide(quorum.reason)
  // Outcomes of tasks in a cancelled run do not count for the quorum.
  const count = (vote: () => void): void => {
    if (group.aborted) return
    vote()
    if (quorum.decided) contest.decide(quorum.reason)
  }
  for (const [index, target] of targets.entries()) {
    const spec = { index, policy, args: [target] }
    contest.start(spec, {
      fn: (context) => each(target, context),
      succeed: (value) => count(() => quorum.succeed(index, value)),
      fail: (error) => count(() => quorum.fail(index, error)),
    })
  }
}

/** Ends the run, and gives or throws what it came to. */
function outcome<I, T>(targets: readonly I[], enough: number | undefined, group: Group, quorum: Quorum<T>): Scattered<T, I> {
  if (group.aborted && !quorum.decided) {
    const error = group.cancelError()
    group.close()
    keepPartial(error, { results: quorum.results, completed: quorum.answers, failed: -1 })
    throw error
  }
  const rest = quorum.decided ? quorum.reason : new Cancelled('not needed any more')
  const values: T[] = []
  const missing: Scattered<T, I>['missing'] = []
  for (const [index, target] of targets.entries()) {
    const result = quorum.outcomes[index]
    if (result?.status === 'fulfilled') values.push(result.value)
    else missing.push({ index, target, error: result ? (result.reason as unknown) : rest })
  }
  if (enough === undefined || values.length >= enough) {
    group.close()
    return { values, missing }
  }
  const message = `Expected ${enough} of ${targets.length} targets of ${group.label()} to answer, got ${values.length}: ${rest.message}`
  const error = new QuorumNotReached(message, { cause: quorum.firstFailure ? quorum.firstFailure.error : rest, values, missing })
  group.failure = { error, at: 'quorum' }
  group.close()
  throw error
}
