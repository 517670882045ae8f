/** A pipeline as it is written down, and the stages that come of it when it runs. */
import { InvalidOption } from '../base/errors.ts'
import { type Duration, durationMs } from '../base/duration.ts'
import { adopt, isThenable, nameOf } from '../base/look.js'
import { checkFunction, checkOptions } from '../base/options.ts'
import type { TaskContext } from '../base/frame.ts'
import { compilePolicy, needsTask, timeoutOnlyMs } from '../limits/policy.ts'
import { type FunctionRef, refOf } from '../run/executor.ts'
import { callsUnderWay, checkJournal, notWorkerFunction, sentTo } from '../run/map.ts'
import { sizesOf } from '../run/sizes.ts'
import type { RemoteCalls } from '../run/storing.ts'
import { Batch } from './batch.ts'
import { type CallMode, CallStage } from './call-stage.ts'
import { crossingStep, type Step, travellingTogether } from './crossing.ts'
import type { CallSpec, StageFunction } from './stage-calls.ts'
import { KeyedStage } from './keyed-stage.ts'
import {
  type BatchOptions,
  batchRules,
  type CountWindowOptions,
  type KeyedOptions,
  keyedRules,
  mapRules,
  type StageOptions,
  stageRules,
  type StreamMapOptions,
  type TimeWindowOptions,
  windowRules,
} from './options.ts'
import { recordedFunction } from './recorded.ts'
import type { Segment } from './segment.ts'
import { type pending, Stage } from './stage.ts'
import { CountWindow, TimeWindow, TimeWindows } from './window.ts'

export interface Plan {
  /** Opens the source. */
  readonly head: (segment: Segment) => Stage
  readonly steps: readonly Step[]
}

/** Makes the stages of a pipeline whose last one is in `segment`; gives that one. When that fails, the run has failed. */
export function build(plan: Plan, segment: Segment): Stage {
  try {
    return buildStages(plan, segment)
  } catch (error) {
    segment.run.fail(error, 'source')
    return new Silent(segment)
  }
}

function buildStages({ head, steps: written }: Plan, segment: Segment): Stage {
  const steps = travellingTogether(written)
  // From the bottom up, because a segment lies inside the one below it.
  const segments = [segment]
  for (let at = steps.length - 1; at >= 0; at--) {
    const below = segments[0] as Segment
    segments.unshift(steps[at]?.ends ? segment.run.segment(below) : below)
  }
  let stage = head(segments[0] as Segment)
  for (const [at, step] of steps.entries()) stage = step.build(segments[at + 1] as Segment, stage, segments[at] as Segment)
  return stage
}

/** Stands for a pipeline that could not be built. */
class Silent extends Stage<never> {
  poll(): typeof pending {
    return this.wait()
  }

  wake(): void {}
}

/** A stage that calls `fn`, wherever it runs. @throws {InvalidOption} */
export function callStep(fn: StageFunction, options: StreamMapOptions, mode: CallMode, where: string): Step {
  checkFunction(fn, 'fn', where)
  if (where === 'map') checkOptions<StreamMapOptions>(options, mapRules, where)
  else checkOptions<StageOptions>(options, stageRules, where)
  checkJournal(options)
  const ref = refOf(fn)
  if (options.on && !ref) throw notWorkerFunction(fn, where)
  const shared = {
    name: options.name ?? ref?.name ?? (nameOf(fn) || where),
    mode,
    ordered: options.ordered ?? true,
    buffer: options.buffer,
    settles: options.onFailure === 'settle',
  }
  if (ref && options.checkpoint === undefined && travelsInBatches(ref, options)) return bulkStep(ref, options, shared)
  const own = ref ? sentTo(options.on ?? ref.executor, ref, options) : fn
  const policy = compilePolicy(options, { remote: ref !== undefined })
  const concurrency = options.concurrency ?? (ref ? callsUnderWay : 'auto')
  const spec = withJournal({ ...shared, fn: own, policy, concurrency, remote: remoteOf(ref, options) }, options)
  return { build: (segment, up) => new CallStage(segment, up, spec(segment)) }
}

/** Of what a policy does, only `retry` is done for items of batches too: here, while their values stay on the worker. */
function travelsInBatches(ref: FunctionRef, { retry, ...rest }: StageOptions): boolean {
  return !needsTask(rest) && (retry === undefined || (rest.on ?? ref.executor).keepsValues === true)
}

function remoteOf(ref: FunctionRef | undefined, { on }: Pick<StageOptions, 'on'>): RemoteCalls | undefined {
  return ref && { slots: (on ?? ref.executor).slots, sizes: sizesOf(ref) }
}

/** The calls of a stage, by way of its journal where it has one. */
function withJournal<S extends CallSpec>(spec: S, { checkpoint, key }: StageOptions): (segment: Segment) => S {
  if (checkpoint === undefined) return () => spec
  const { fn, policy, name } = spec
  const recorded = { fn, policy, name, checkpoint, key }
  return (segment) => ({ ...spec, fn: recordedFunction(recorded, segment.run), policy: undefined })
}

interface SharedSpec {
  readonly name: string
  readonly mode: CallMode
  readonly ordered: boolean
  readonly buffer: number | undefined
  readonly settles: boolean
}

/** Under way at once where an executor takes items in batches; bytes bound them too. Chosen: a batch of the cheapest functions, so that its message does not show. */
const itemsUnderWay = 8_192

function bulkStep(ref: FunctionRef, options: StageOptions, { mode, ...shared }: SharedSpec): Step {
  const executor = options.on ?? ref.executor
  const timeoutMs = timeoutOnlyMs(options)
  const concurrency = typeof options.concurrency === 'number' ? options.concurrency : itemsUnderWay
  const { retry } = options
  const retries = [retry === undefined ? undefined : compilePolicy({ retry }, { remote: true })]
  const names = [shared.name]
  return crossingStep({ ...shared, parts: [ref], ops: [mode], names, retries, executor, timeoutMs, concurrency })
}

/** A stage that calls `fn` on one item after the other, and holds none back: for reductions. */
export function oneByOneStep(fn: StageFunction, name: string): Step {
  const spec = { fn, name, policy: undefined, settles: false, concurrency: 1, mode: 'map', ordered: true, buffer: 0 } as const
  return { build: (segment, up) => new CallStage(segment, up, spec) }
}

/** @throws {InvalidOption} */
export function keyedStep(key: (item: unknown) => unknown, fn: StageFunction, options: KeyedOptions, where: string): Step {
  checkFunction(fn, 'fn', where)
  checkOptions<KeyedOptions>(options, keyedRules, where)
  checkJournal(options)
  const ref = refOf(fn)
  const calls = {
    fn: ref ? sentTo(ref.executor, ref, options) : fn,
    name: options.name ?? ref?.name ?? (nameOf(fn) || where),
    policy: compilePolicy(options, { remote: ref !== undefined }),
    settles: options.onFailure === 'settle',
    concurrency: options.concurrency ?? (ref ? callsUnderWay : 'auto'),
    remote: remoteOf(ref, {}),
  } as const
  const spec = withJournal(calls, options)
  const order = { key, ordered: options.ordered ?? true, buffer: options.buffer ?? 256 }
  return { build: (segment, up) => new KeyedStage(segment, up, { ...spec(segment), ...order }) }
}

/** @throws {InvalidOption} */
export function batchStep<T>(options: BatchOptions<T>): Step {
  checkOptions<BatchOptions<T>>(options, batchRules, 'batch')
  const { size, within, cost } = options
  if (size === undefined) throw new InvalidOption('Expected batch to get a `size`, got none')
  const withinMs = within === undefined ? undefined : durationMs(within, 'within')
  return {
    build: (segment, up) => new Batch(segment, up, { size, withinMs, cost: cost as ((item: unknown) => number) | undefined }),
  }
}

/** @throws {InvalidOption} */
export function windowStep(options: CountWindowOptions | TimeWindowOptions): Step {
  checkOptions<CountWindowOptions & TimeWindowOptions>(options, windowRules, 'window')
  if ('size' in options && 'every' in options) {
    throw new InvalidOption(
      'Expected window to get either `size`, for windows of that many items, or `every`, for windows of time; got both',
    )
  }
  if ('size' in options) return countWindowStep(options)
  if ('every' in options) return timeWindowStep(options)
  throw new InvalidOption(
    'Expected window to get `size`, for windows of that many items, or `every`, for windows of time; got neither',
  )
}

function countWindowStep({ size, step = size }: CountWindowOptions): Step {
  if (step > size) throw new InvalidOption(`Expected \`step\` to be at most \`size\` ${size}, got ${step} (number)`)
  return { build: (segment, up) => new CountWindow(segment, up, size, step) }
}

function timeWindowStep({ every, length = every, limit = 10_000 }: TimeWindowOptions): Step {
  const everyMs = positiveMs(every, 'every')
  const lengthMs = positiveMs(length, 'length')
  if (lengthMs < everyMs)
    throw new InvalidOption(`Expected \`length\` to be at least \`every\`, ${everyMs} ms, got ${lengthMs} ms`)
  return { build: (segment, up) => new TimeWindow(segment, up, new TimeWindows(everyMs, lengthMs), limit) }
}

function positiveMs(duration: Duration, name: string): number {
  const ms = durationMs(duration, name)
  if (ms > 0 && ms < Number.POSITIVE_INFINITY) return ms
  throw new InvalidOption(`Expected \`${name}\` to be a finite duration above 0, got ${ms} ms`)
}

/** Turns a function of two into one of an accumulator kept here. */
export function accumulate<A>(
  fn: (accumulated: A, item: unknown, context: TaskContext) => A | PromiseLike<A>,
  state: { value: A },
): StageFunction {
  const keep = (value: A): void => {
    state.value = value
  }
  return (item, context) => {
    const next = fn(state.value, item, context)
    return isThenable(next) ? adopt(next).then(keep) : keep(next)
  }
}
