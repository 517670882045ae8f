/**
 * The states of reductions: what a block adds to one, and how two are merged. Merging follows a tree that the length alone
 * decides, so the result has the same bits for any number of threads.
 *
 * A state is a few words of 8 bytes: doubles, or 64-bit integers for i64.
 * - sum: the sum and its rounding error (double-double).
 * - moments: count, mean, sum of squared distances from it; merged as by Chan, Golub and LeVeque (1979).
 * - argmin, argmax: the value, the index of its first occurrence.
 */
import type { DType } from '../expression/dtype.ts'
import type { KernelInstance } from '../kernel/instance.ts'

/** What one reduction keeps between blocks. */
export interface Measure {
  readonly kind: 'sum' | 'wrap' | 'prod' | 'min' | 'max' | 'any' | 'all' | 'moments' | 'argmin' | 'argmax'
  readonly dtype: DType
  /** Its first reduction in the kernel. */
  readonly reduction: number
  /** For moments, the parameter that is subtracted first; for argmin and argmax, the output that holds the values. */
  readonly extra: number
}

/** Words seen as doubles and as integers. */
export class States {
  readonly f: Float64Array
  readonly i: BigInt64Array

  constructor(buffer: ArrayBufferLike) {
    this.f = new Float64Array(buffer)
    this.i = new BigInt64Array(buffer)
  }
}

const words: Readonly<Record<Measure['kind'], number>> = {
  sum: 2,
  wrap: 1,
  prod: 1,
  min: 1,
  max: 1,
  any: 1,
  all: 1,
  moments: 3,
  argmin: 2,
  argmax: 2,
}

/** Words of 8 bytes that a state of this kind takes. */
export const wordsOf = (kind: Measure['kind']): number => words[kind]
export const wordsOfAll = (measures: readonly Measure[]): number => measures.reduce((sum, { kind }) => sum + words[kind], 0)

const int64Extreme = (kind: 'min' | 'max'): bigint => (kind === 'max' ? -(2n ** 63n) : 2n ** 63n - 1n)

/** The state of no elements. */
export function startState({ kind, dtype }: Measure, states: States, at: number): void {
  const { f, i } = states
  switch (kind) {
    case 'moments':
      f.fill(0, at, at + 3)
      return
    case 'sum':
      f.fill(0, at, at + 2)
      return
    case 'wrap':
      i[at] = 0n
      return
    case 'prod':
      if (dtype === 'i64') i[at] = 1n
      else f[at] = 1
      return
    case 'all':
      f[at] = 1
      return
    case 'any':
      f[at] = 0
      return
    default: {
      const side = kind === 'min' || kind === 'argmin' ? 'min' : 'max'
      if (dtype === 'i64') i[at] = int64Extreme(side)
      else f[at] = side === 'max' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
      if (kind.startsWith('arg')) f[at + 1] = -1
    }
  }
}

/** a + b exactly, as the rounded sum and what it lacks. */
function addTo(states: Float64Array, at: number, value: number, error: number): void {
  const a = states[at] as number
  const sum = a + value
  const part = sum - a
  const lost = a - (sum - part) + (value - part)
  states[at] = sum
  states[at + 1] = (states[at + 1] as number) + lost + error
}

/** What a double-double sum is as one double. After an overflow or an infinity the error term says nothing. */
export function roundedSum(sum: number, error: number): number {
  return Number.isFinite(sum) ? sum + error : sum
}

/**
 * Adds the block that the kernel has just run over.
 * @param position of the block's first element, for argmin and argmax.
 */
export function absorbBlock(
  measure: Measure,
  instance: KernelInstance,
  states: States,
  at: number,
  position: number,
  count: number,
): void {
  const { kind, dtype, reduction } = measure
  const { address, vectors } = instance.kernel.reductions[reduction] as { address: number; vectors: number }
  if (kind === 'sum' && dtype === 'f64') return absorbDoubles(instance.doubles, address / 8, states.f, at)
  const { view } = instance
  if (kind === 'sum') return absorbWhole(view, address, vectors, states.f, at)
  if (kind === 'moments') return absorbMoments(measure, instance, states.f, at, count)
  if (dtype === 'i64') return absorbBigInt(measure, instance, states, at, position)
  const lanes = lanesOf(view, dtype, address, vectors)
  if (kind === 'argmin' || kind === 'argmax') return absorbArgument(measure, instance, lanes, states, at, position, count)
  let value = states.f[at] as number
  for (const lane of lanes) value = combineValues(kind as 'prod', value, lane)
  states.f[at] = value
}

function combineValues(kind: 'prod' | 'min' | 'max' | 'any' | 'all', a: number, b: number): number {
  switch (kind) {
    case 'prod':
      return a * b
    case 'min':
      return Math.min(a, b)
    case 'max':
      return Math.max(a, b)
    case 'any':
      return a || b ? 1 : 0
    case 'all':
      return a && b ? 1 : 0
  }
}

/** The lanes of a reduction's accumulators; masks of bool as 0 and 1. */
function lanesOf(view: DataView, dtype: DType, address: number, vectors: number): number[] {
  const lanes: number[] = []
  const width = dtype === 'f64' ? 8 : 4
  for (let at = address; at < address + 16 * vectors; at += width) {
    if (dtype === 'f64') lanes.push(view.getFloat64(at, true))
    else if (dtype === 'f32') lanes.push(view.getFloat32(at, true))
    else if (dtype === 'u32') lanes.push(view.getUint32(at, true))
    else lanes.push(dtype === 'bool' ? -view.getInt32(at, true) : view.getInt32(at, true))
  }
  return lanes
}

/** Four sums with their compensations, each pair of vectors after the other. */
function absorbDoubles(memory: Float64Array, from: number, f: Float64Array, at: number): void {
  for (let pair = from; pair < from + 8; pair += 4) {
    addTo(f, at, memory[pair] as number, memory[pair + 2] as number)
    addTo(f, at, memory[pair + 1] as number, memory[pair + 3] as number)
  }
}

function absorbWhole(view: DataView, address: number, vectors: number, f: Float64Array, at: number): void {
  // A block's sum of 32-bit integers is far below 2^53.
  let sum = 0
  for (let lane = address; lane < address + 16 * vectors; lane += vectors === 2 ? 8 : 4) {
    sum += vectors === 2 ? Number(view.getBigInt64(lane, true)) : view.getInt32(lane, true)
  }
  addTo(f, at, sum, 0)
}

/** The sums of a block's moments. */
const pairs = new Float64Array(4)

/** Sums of x − shift and of its square, with the shift near the mean. */
function absorbMoments(
  { reduction, extra }: Measure,
  { doubles, kernel }: KernelInstance,
  f: Float64Array,
  at: number,
  count: number,
): void {
  pairs.fill(0)
  absorbDoubles(doubles, (kernel.reductions[reduction]?.address as number) / 8, pairs, 0)
  absorbDoubles(doubles, (kernel.reductions[reduction + 1]?.address as number) / 8, pairs, 2)
  const shift = doubles[(kernel.parameters[extra]?.address as number) / 8] as number
  const sum = roundedSum(pairs[0] as number, pairs[1] as number)
  const squares = roundedSum(pairs[2] as number, pairs[3] as number)
  mergeMoments(f, at, count, shift + sum / count, Math.max(0, squares - (sum * sum) / count))
}

function mergeMoments(f: Float64Array, at: number, count: number, mean: number, squares: number): void {
  const before = f[at] as number
  if (count === 0) return
  const total = before + count
  const delta = mean - (f[at + 1] as number)
  f[at] = total
  f[at + 1] = before === 0 ? mean : (f[at + 1] as number) + (delta * count) / total
  f[at + 2] = before === 0 ? squares : (f[at + 2] as number) + squares + delta * delta * ((before * count) / total)
}

/** Whether `value` comes before `best`: NaN comes before everything. */
function beats(kind: 'argmin' | 'argmax' | 'min' | 'max', value: number | bigint, best: number | bigint): boolean {
  if (Number.isNaN(best)) return false
  if (Number.isNaN(value)) return true
  return kind.endsWith('max') ? value > best : value < best
}

function absorbArgument(
  measure: Measure,
  instance: KernelInstance,
  lanes: readonly number[],
  { f }: States,
  at: number,
  position: number,
  count: number,
): void {
  const kind = measure.kind as 'argmin' | 'argmax'
  const best = lanes.reduce(kind === 'argmax' ? (a, b) => Math.max(a, b) : (a, b) => Math.min(a, b))
  const none = f[at + 1] === -1
  if (!none && !beats(kind, best, f[at] as number)) return
  // Only now is it worth while to look where it is.
  const values = instance.output(measure.extra) as Float64Array
  let index = 0
  if (Number.isNaN(best)) while (index < count && !Number.isNaN(values[index] as number)) index++
  else while (index < count && values[index] !== best) index++
  f[at] = best
  f[at + 1] = position + index
}

function absorbBigInt(measure: Measure, instance: KernelInstance, { f, i }: States, at: number, position: number): void {
  const { kind, reduction } = measure
  const { view, kernel } = instance
  const { address } = kernel.reductions[reduction] as { address: number }
  const lanes = [0, 8, 16, 24].map((lane) => view.getBigInt64(address + lane, true))
  if (kind === 'wrap') {
    i[at] = lanes.reduce((a, b) => BigInt.asIntN(64, a + b), i[at] as bigint)
    return
  }
  if (kind === 'prod') {
    i[at] = lanes.reduce((a, b) => BigInt.asIntN(64, a * b), i[at] as bigint)
    return
  }
  const high = kind.endsWith('max')
  const best = lanes.reduce((a, b) => (a > b === high ? a : b))
  const argument = kind.startsWith('arg')
  if (
    argument ? f[at + 1] !== -1 && !beats(kind as 'argmin', best, i[at] as bigint) : !beats(kind as 'min', best, i[at] as bigint)
  )
    return
  i[at] = best
  if (argument) f[at + 1] = position + (instance.output(measure.extra) as BigInt64Array).indexOf(best)
}

/** Merges the state at `from`, whose elements come later, into the one at `at`. */
export function mergeStates({ kind, dtype }: Measure, states: States, at: number, other: States, from: number): void {
  const { f, i } = states
  const value = other.f[from] as number
  switch (kind) {
    case 'sum':
      return addTo(f, at, value, other.f[from + 1] as number)
    case 'wrap':
      i[at] = BigInt.asIntN(64, (i[at] as bigint) + (other.i[from] as bigint))
      return
    case 'moments':
      return mergeMoments(f, at, value, other.f[from + 1] as number, other.f[from + 2] as number)
    case 'argmin':
    case 'argmax': {
      if (other.f[from + 1] === -1) return
      const better = dtype === 'i64' ? beats(kind, other.i[from] as bigint, i[at] as bigint) : beats(kind, value, f[at] as number)
      if (f[at + 1] !== -1 && !better) return
      i[at] = other.i[from] as bigint
      f[at + 1] = other.f[from + 1] as number
      return
    }
    default:
      if (dtype === 'i64' && kind === 'prod') i[at] = BigInt.asIntN(64, (i[at] as bigint) * (other.i[from] as bigint))
      else if (dtype !== 'i64') f[at] = combineValues(kind, f[at] as number, value)
      else if (beats(kind as 'min', other.i[from] as bigint, i[at] as bigint)) i[at] = other.i[from] as bigint
  }
}
