/** Neighbouring stages of worker functions as one crossing: a value between them stays on the worker that made it. */
import type { Policy } from '../limits/policy.ts'
import { composedRef } from '../run/composed.ts'
import type { FunctionRef } from '../run/executor.ts'
import { shapedRef } from '../run/shaped-ref.ts'
import type { Op } from '../run/shapes.ts'
import { sizesOf } from '../run/sizes.ts'
import { type BulkSpec, BulkStage } from './bulk-stage.ts'
import { Flatten } from './join.ts'
import type { Segment } from './segment.ts'
import { Spread } from './passing.ts'
import type { Stage } from './stage.ts'

export interface Step {
  /** Makes the stage below `up`. `above` is the segment of `up`: another one only where `ends`. */
  build(segment: Segment, up: Stage, above: Segment): Stage
  /** The stage ends what is above it while what is below goes on. */
  readonly ends?: boolean
  /** It calls worker functions, and nothing but that: it may travel together with its neighbours. */
  readonly calls?: Crossing
  /** Both as one step, where what this stage does can be done on the workers that have the items of those above. */
  joins?(above: Crossing): Step | undefined
}

/** Stages that travel together: each calls one worker function. */
export interface Crossing extends Omit<BulkSpec, 'ref' | 'sizes' | 'mode' | 'names' | 'again'> {
  readonly parts: readonly [FunctionRef, ...FunctionRef[]]
  readonly ops: readonly Op[]
  readonly names: readonly string[]
  /** How each function is called again when it fails; undefined for those that are not. */
  readonly retries: readonly (Policy | undefined)[]
}

export function travellingTogether(steps: readonly Step[]): readonly Step[] {
  const together: Step[] = []
  for (const step of steps) {
    const above = together.at(-1)?.calls
    const joined = above && step.joins?.(above)
    if (joined) together[together.length - 1] = joined
    else together.push(step)
  }
  return together
}

/** A stage, or several, of worker functions. */
export function crossingStep(crossing: Crossing): Step {
  return {
    build: (segment, up) => built(crossing, segment, up),
    calls: crossing,
    joins: (above) => (sameCalls(above, crossing) ? crossingStep(asOne(above, crossing)) : undefined),
  }
}

/** What `flatMap` does below the stage that calls its function. */
export function flattenStep(width: number): Step {
  return {
    build: (segment, up) => new Flatten(segment, up, width),
    joins: (above) => {
      if (width > 1 || !travels(above) || above.ops.at(-1) !== 'map') return undefined
      return crossingStep({ ...above, ops: [...above.ops.slice(0, -1), 'flatMap'] })
    },
  }
}

/** Nothing is said of its calls that would hold for those of a neighbour too. */
function travels({ settles, timeoutMs, executor }: Crossing): boolean {
  return !settles && timeoutMs === undefined && executor.keepsValues === true
}

/** The same, and nothing of it is called again: for what takes items in blocks, which would be called again as a whole. */
export function isPlain(crossing: Crossing): boolean {
  return travels(crossing) && crossing.retries.every((policy) => policy === undefined)
}

/** Only stages that say the same of how their calls go: what one says of its own would hold for both. */
function sameCalls(above: Crossing, below: Crossing): boolean {
  const same = (['executor', 'ordered', 'concurrency', 'buffer'] as const).every((key) => above[key] === below[key])
  return travels(above) && travels(below) && same
}

function asOne(above: Crossing, below: Crossing): Crossing {
  const names = [...above.names, ...below.names]
  const parts: Crossing['parts'] = [...above.parts, ...below.parts]
  const retries = [...above.retries, ...below.retries]
  return { ...below, parts, ops: [...above.ops, ...below.ops], names, retries, name: names.join(' → ') }
}

function built(crossing: Crossing, segment: Segment, up: Stage): Stage {
  const { parts, ops, names, retries, ...shared } = crossing
  const { executor, timeoutMs, name } = crossing
  const repeats = retries.some((policy) => policy !== undefined)
  const stage = (ref: FunctionRef, mode: 'map' | 'filter', resume?: FunctionRef): Stage => {
    const again = repeats ? { executor, ref, resume, policies: retries, names, timeoutMs } : undefined
    return new BulkStage(segment, up, { ...shared, ref, mode, sizes: sizesOf(ref), again, ...(names.length > 1 && { names }) })
  }
  const [first, ...rest] = parts
  if (rest.length === 0 && ops[0] === 'filter') return stage(first, 'filter')
  if (rest.length === 0 && ops[0] === 'flatMap') return new Flatten(segment, stage(first, 'map'), 1)
  if (!repeats && ops.every((op) => op === 'map')) return stage(rest.reduce(composedRef, first), 'map')
  if (rest.length === 0) return stage(first, 'map')
  if (!repeats) return new Spread(segment, stage(shapedRef(parts, { kind: 'chain', ops }, name), 'map'))
  const keeps = retries.map((policy) => policy !== undefined)
  const resume = shapedRef(parts, { kind: 'resume', ops, keeps }, name)
  return new Spread(segment, stage(shapedRef(parts, { kind: 'chain', ops, keeps }, name), 'map', resume))
}
