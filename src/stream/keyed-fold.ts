/** `by(key).reduce`: where the items of each key are folded. */
import { InvalidOption } from '../base/errors.ts'
import { nameOf } from '../base/look.js'
import { checkFunction, checkOptions } from '../base/options.ts'
import type { TaskContext } from '../base/frame.ts'
import { needsTask, timeoutOnlyMs } from '../limits/policy.ts'
import { type Executor, type FunctionRef, refOf } from '../run/executor.ts'
import { call } from '../run/call.ts'
import { elsewhere } from '../run/map.ts'
import { shapedRef } from '../run/shaped-ref.ts'
import type { KeyField, Op, Start } from '../run/shapes.ts'
import { sizesOf } from '../run/sizes.ts'
import { Blocks, type BlockSize, byPosition, Measured } from './blocks.ts'
import { BulkStage } from './bulk-stage.ts'
import { type Crossing, isPlain, type Step } from './crossing.ts'
import { FoldHere } from './fold-here.ts'
import { Gather } from './gather.ts'
import { type KeyedReduceOptions, keyedReduceRules } from './options.ts'
import { keyedStep } from './pipeline-plan.ts'
import { ScatterHere } from './scatter-here.ts'
import type { Segment } from './segment.ts'
import type { Stage } from './stage.ts'
import type { StageFunction } from './stage-calls.ts'

/** The key of an item: a field, what a function says, or (null) the same for all. */
export type Key = string | number | null | ((item: unknown) => unknown)

type Fold = (accumulated: unknown, item: unknown, context: TaskContext) => unknown

export interface KeyedFold {
  readonly key: Key
  readonly fn: Fold
  readonly initial: unknown
  readonly options: KeyedReduceOptions
  /** Gets every key with its value when all is folded. */
  readonly values: Map<unknown, unknown>
}

/** @throws {InvalidOption} */
export function keyedFoldStep(fold: KeyedFold): Step {
  const { key, fn, initial, options } = fold
  checkOptions<KeyedReduceOptions>(options, keyedReduceRules, 'reduce')
  checkFunction(fn, 'fn', 'reduce')
  const ref = refOf(fn)
  const executor = options.on ?? ref?.executor
  if (!ref || !executor) return foldedHere(fold)
  const apart = needsTask(options) || timeoutOnlyMs(options) !== undefined || !executor.keepsValues
  if (apart) return callByCall(fold)
  const keyRef = refOf(key)
  const startRef = refOf(initial)
  if (keyRef && typeof initial === 'function' && !startRef && initial.length > 0)
    throw new InvalidOption(
      'Expected `initial` of reduce to be a worker function or a value where the key is a worker function',
      {
        hint: 'Keys are made on the workers, so that a function of this thread cannot be asked for the first value of each.',
      },
    )
  return shuffled(fold, { ref, executor, keyRef, startRef })
}

// --- On this thread -------------------------------------------------------------------------------------------------------

/** Without a promise per item, as long as the function gives none. */
function foldedHere(fold: KeyedFold): Step {
  const { key, fn, initial, options, values } = fold
  const { on: _on, combine: _combine, name: _name, ...policies } = options
  const keyOf = keyFunction(key)
  const start = startFunction(initial)
  const calls = callByCall(fold)
  const bare = Object.keys(policies).length === 0
  return {
    build: (segment, up, above) => {
      if (!bare || segment.run.observed) return calls.build(segment, up, above)
      const rest = (from: Stage): Stage => calls.build(segment, from, segment)
      return new FoldHere(segment, up, { key: keyOf, fold: fn, start, values, name: nameFor(fold), rest })
    },
  }
}

/** Each item as a call of its own, with what its options ask for. */
function callByCall({ key, fn, initial, options, values }: KeyedFold): Step {
  const { combine: _, on, ...rest } = options
  const keyOf = keyFunction(key)
  const start = startFunction(initial)
  const folded = foldOn(fn, on) as Fold
  const each = async (item: unknown, context: TaskContext): Promise<void> => {
    const own = keyOf(item)
    const isNew = !values.has(own)
    // Before anything is awaited, so that the keys are in the order of the items.
    if (isNew) values.set(own, undefined)
    const before = isNew ? await start(own) : values.get(own)
    values.set(own, await folded(before, item, context))
  }
  return keyedStep(keyOf, each as StageFunction, { ordered: false, name: nameOf(fn) || 'reduce', ...rest }, 'reduce')
}

/** The fold as calls that carry no context of this thread, where it is a worker function. */
export function foldOn(fn: unknown, on: Executor | undefined): unknown {
  const ref = refOf(fn)
  if (!ref) return fn
  const own = on && on !== ref.executor ? elsewhere(ref, on) : ref
  return (accumulated: unknown, item: unknown): Promise<unknown> => call(own, [accumulated, item])
}

export function keyFunction(key: Key): (item: unknown) => unknown {
  if (typeof key === 'function') return key
  if (key === null) return () => 0
  return (item) => (item as Readonly<Record<string | number, unknown>>)[key]
}

/** A value that is an object is one of its own for each key. */
function startFunction(initial: unknown): (key: unknown) => unknown {
  if (typeof initial === 'function') return initial as (key: unknown) => unknown
  if (typeof initial === 'object' && initial !== null) return () => structuredClone(initial)
  return () => initial
}

const nameFor = ({ fn, options }: KeyedFold): string => options.name ?? refOf(fn)?.name ?? (nameOf(fn) || 'reduce')

// --- On the workers -------------------------------------------------------------------------------------------------------

interface Refs {
  readonly ref: FunctionRef
  readonly executor: Executor
  readonly keyRef: FunctionRef | undefined
  readonly startRef: FunctionRef | undefined
}

/** Each is another one for the workers, which keep their values by it. */
let lastShuffle = 0
/** More partitions than this leave little for each, and cost calls; chosen. */
const mostPartitions = 32
/** So short that a second block waits at a worker while it is at the first one, so long that its messages do not show. Chosen. */
const blockMs = 16

function shuffled(fold: KeyedFold, refs: Refs): Step {
  const there = (above?: Crossing): Step => ({ build: (segment, up) => scatterThere(fold, refs, above, segment, up) })
  const { keyRef, startRef, executor } = refs
  // Where this thread gives the keys or their first values, the items come here.
  const plainStart = typeof fold.initial === 'function' && !startRef && fold.initial.length > 0
  const plainKey = typeof fold.key === 'function' && !keyRef
  if (plainStart || plainKey) return { build: (segment, up) => scatterHere(fold, refs, plainStart, segment, up) }
  const apart: Step =
    keyRef || fold.options.combine ? there() : { build: (segment, up) => scatterHere(fold, refs, false, segment, up) }
  return { ...apart, joins: (above) => (isPlain(above) && above.executor === executor ? there(above) : undefined) }
}

interface Shuffle {
  readonly shuffle: number
  readonly partitions: number
  readonly start: unknown
}

function newShuffle({ key, initial, options }: KeyedFold, { executor, startRef }: Refs): Shuffle {
  const { concurrency } = options
  const most = typeof concurrency === 'number' ? Math.min(concurrency, mostPartitions) : mostPartitions
  const start = startRef ? undefined : typeof initial === 'function' ? (initial as () => unknown)() : initial
  const partitions = key === null ? 1 : Math.min(executor.slots, most)
  return { shuffle: ++lastShuffle, partitions, start }
}

/** What a worker makes goes from there to the worker that folds it. */
function scatterThere(fold: KeyedFold, refs: Refs, above: Crossing | undefined, segment: Segment, up: Stage): Stage {
  const { ref: foldRef, executor, keyRef, startRef } = refs
  const own = (ref: FunctionRef): FunctionRef => (ref.executor === executor ? ref : elsewhere(ref, executor))
  const combine = combineOf(fold.options)
  const ops: readonly Op[] = above?.ops ?? []
  const partial = combine !== undefined
  const parts = [
    ...(above?.parts ?? []),
    ...(keyRef ? [keyRef] : []),
    ...(partial ? [foldRef, ...(startRef ? [startRef] : [])] : []),
  ]
  const name = [...(above?.names ?? []), nameFor(fold)].join(' → ')
  const start: Start = startRef ? 'function' : 'value'
  const key: KeyField = keyRef ? undefined : (fold.key as KeyField)
  // A field needs no function of its own, so that a chain gives at least one part.
  const [first = foldRef, ...rest] = parts.map(own)
  const ref = shapedRef([first, ...rest], { kind: 'scatter', ops, key, partial, start }, name)
  const size: BlockSize = partial ? byPosition : new Measured(1, 65_536, blockMs)
  const shuffle = newShuffle(fold, refs)
  const blocks = new Blocks(segment, up, size, shuffle)
  // Enough that workers need not wait for one another.
  const concurrency = executor.slots * 8
  const spec = {
    name,
    settles: false,
    mode: 'map',
    ordered: true,
    buffer: 0,
    concurrency,
    executor,
    timeoutMs: undefined,
  } as const
  const scatter = new BulkStage(segment, blocks, { ...spec, ref, sizes: sizesOf(ref) })
  return gather(fold, refs, shuffle, segment, scatter, {
    keyed: keyRef !== undefined,
    pace: size instanceof Measured ? size : undefined,
  })
}

/** What this thread has is divided here, and goes to the workers that fold it. */
function scatterHere(fold: KeyedFold, refs: Refs, plainStart: boolean, segment: Segment, up: Stage): Stage {
  const shuffle = newShuffle({ ...fold, initial: plainStart ? undefined : fold.initial }, refs)
  const keyed = typeof fold.key === 'function'
  const start = plainStart ? (fold.initial as (key: unknown) => unknown) : undefined
  const { partitions } = shuffle
  const scatter = new ScatterHere(segment, up, { key: keyFunction(fold.key), keyed, partitions, start })
  return gather({ ...fold, options: { ...fold.options, combine: undefined } }, refs, shuffle, segment, scatter, {
    keyed,
    pace: undefined,
  })
}

function gather(
  fold: KeyedFold,
  { ref, executor, startRef }: Refs,
  shuffle: Shuffle,
  segment: Segment,
  up: Stage,
  { keyed, pace }: { readonly keyed: boolean; readonly pace: Measured | undefined },
): Stage {
  const combine = combineOf(fold.options)
  const own = (part: FunctionRef): FunctionRef => (part.executor === executor ? part : elsewhere(part, executor))
  const parts = [...(startRef ? [startRef] : []), ...(combine ? [combine] : [])].map(own)
  const start: Start = startRef ? 'function' : 'value'
  const key: KeyField = keyed ? undefined : (fold.key as KeyField)
  const partial = combine !== undefined
  const gatherRef = shapedRef([own(ref), ...parts], { kind: 'gather', ops: [], key, partial, start }, nameFor(fold))
  return new Gather(segment, up, {
    ...shuffle,
    ref: gatherRef,
    pace,
    give: (own, value) => void fold.values.set(own, value),
  })
}

/** @throws {InvalidOption} */
function combineOf({ combine }: KeyedReduceOptions): FunctionRef | undefined {
  if (combine === undefined) return undefined
  const ref = refOf(combine)
  if (ref) return ref
  throw new InvalidOption('Expected `combine` of reduce to be a worker function, as `fn` is', {
    hint: 'It merges partial values on the workers: define it beside `fn`.',
  })
}
