/**
 * The public lazy array: a node of the expression graph with NumPy's methods. Nothing is computed until `compute`,
 * `persist` or `save`.
 *
 * Long because it is a list: a method of a line or two for each of NumPy's, with its documentation. What they do lies elsewhere.
 */
import { inspect } from 'node:util'
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import * as build from '../expression/build.ts'
import { type ComputedBlock, iterateBlocks } from './iterate-blocks.ts'
import { type ComputeOptions, computeNodes } from './compute.ts'
import { bytesPer, checkDType, type DType, type Value, type ValueOf, dtypeRule } from '../expression/dtype.ts'
import type { OperationName } from '../expression/elementwise.ts'
import { formatBytes } from '../../base/bytes.ts'
import type { Dense, Nested } from '../memory/dense.ts'
import { printElements } from '../memory/print.ts'
import { nodeOfList, nodeOfView } from '../memory/lists.ts'
import type { Selector } from '../selection/positions.ts'
import { assigned, selected } from '../selection/select.ts'
import { type Estimate, estimate, explain } from './explain.ts'
import type { Node } from '../expression/node.ts'
import { reduced, type ReduceName } from '../reductions/table.ts'
import { rounded } from '../expression/round.ts'
import { blocksOf, type Chunks, gridOf } from '../expression/grid.ts'
import { axesRule, axisRule, normalizeAxes } from '../expression/axes.ts'
import { type Index, parseIndex, type Shape, showShape, sizeOf } from '../expression/shape.ts'
import { chunkLengthFor } from '../stages/stage.ts'
import { transposeView } from '../expression/view.ts'

/** Whether a value comes out of `compute`, or an array. */
export type Rank = 'scalar' | 'array'

/** What an elementwise operation takes besides the array. */
export type Operand = NDArray<DType, Rank> | number | bigint | boolean

/** What selects along an axis, or along several: see {@link NDArray.get}. */
export type Indexing = Index | string | NDArray<DType, Rank> | ArrayBufferView | Nested<number> | Nested<boolean>

/** What `compute` gives. */
export type Computed<D extends DType, R extends Rank> = R extends 'scalar' ? ValueOf<D> : Dense<D>

/** The dtype of an operation between D and an operand, as far as types can show. */
type Mixed<D extends DType, O> =
  O extends NDArray<infer E, Rank>
    ? [D] extends [E]
      ? D
      : 'f64' extends D | E
        ? 'f64'
        : DType
    : D extends 'f64' | 'f32' | 'f16'
      ? D
      : O extends bigint
        ? D extends 'i64' | 'u64'
          ? D
          : DType
        : DType
type Float<D extends DType> = D extends 'f32' | 'f16' ? D : 'f64'
type Total<D extends DType> = D extends 'i64' | 'u64' | 'f32' | 'f16' ? D : 'f64'
/** An array and a number stay what they are; two arrays may broadcast to an array. */
type Joined<R extends Rank, O> = O extends NDArray<DType, infer S> ? (R extends 'scalar' ? S : R) : R

/** Options of reductions. */
export interface ReduceOptions {
  /** Axis or axes to reduce over, from the end when negative. @default all of them */
  readonly axis?: number | readonly number[]
  /** Leaves the reduced axes in the shape, with length 1. @default false */
  readonly keepdims?: boolean
}

/** Options of `sum` and `prod`. */
export interface SumOptions extends ReduceOptions {
  /** What is added up, and comes out. @default f64 for whole numbers below 64 bits, else that of the array */
  readonly dtype?: DType
}
/** The dtype of a sum. */
type TotalOf<D extends DType, O> = O extends { readonly dtype: infer E extends DType } ? E : Total<D>

/** Options of `var` and `std`. */
export interface VarianceOptions extends ReduceOptions {
  /** Taken off the number of elements in the divisor: 1 for a sample. @default 0 */
  readonly ddof?: number
}

/** Options of `argmin` and `argmax`. */
export interface ArgumentOptions {
  /** The axis to search along, from the end when negative. @default all elements, in C order */
  readonly axis?: number
  /** Leaves the reduced axes in the shape, with length 1. @default false */
  readonly keepdims?: boolean
}

/** Over all axes a reduction is one value; over given axes it is an array. */
type Reduced<O> = O extends undefined
  ? 'scalar'
  : O extends { readonly axis: number | readonly number[] } | { readonly keepdims: true }
    ? 'array'
    : 'scalar'

/**
 * A lazy array: an expression that is computed when its elements are asked for. Immutable; every method gives a new array.
 *
 * @example
 * const mean = await x.multiply(2).add(1).mean().compute()
 */
export class NDArray<D extends DType = DType, R extends Rank = Rank> {
  /** The expression; for the library itself. */
  readonly node: Node
  declare readonly rank: R

  constructor(node: Node) {
    this.node = node
  }

  get dtype(): D {
    return this.node.dtype as D
  }

  /** Lengths of the axes; NaN where only the computation can find. */
  get shape(): Shape {
    return this.node.shape
  }

  get ndim(): number {
    return this.node.shape.length
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.node.shape)
  }

  get nbytes(): number {
    return this.size * bytesPer(this.dtype)
  }

  /** Elements per chunk: what one task computes. */
  get chunk(): number {
    return Math.min(this.size, chunkLengthFor(this.size, this.node.chunk))
  }

  // Arithmetic -------------------------------------------------------------------------------------------------------

  /** `this + other`, element by element. */
  add<O extends Operand>(other: O): NDArray<Mixed<D, O>, Joined<R, O>> {
    return elementwise('add', this, other)
  }
  /** `this - other`. */
  subtract<O extends Operand>(other: O): NDArray<Mixed<D, O>, Joined<R, O>> {
    return elementwise('subtract', this, other)
  }
  /** `this * other`. */
  multiply<O extends Operand>(other: O): NDArray<Mixed<D, O>, Joined<R, O>> {
    return elementwise('multiply', this, other)
  }
  /** `this / other`, in floating point. */
  divide<O extends Operand>(other: O): NDArray<Float<D>, Joined<R, O>> {
    return elementwise('divide', this, other)
  }
  /** `this / other`, rounded down. */
  floorDivide<O extends Operand>(other: O): NDArray<Mixed<D, O>, Joined<R, O>> {
    return elementwise('floorDivide', this, other)
  }
  /** The remainder, with the sign of `other`. */
  remainder<O extends Operand>(other: O): NDArray<Mixed<D, O>, Joined<R, O>> {
    return elementwise('remainder', this, other)
  }
  /**
   * `this` to the power of `other`. Whole numbers stay whole, and wrap around; of a negative exponent they keep the whole part.
   * @throws {InvalidOption} for whole numbers to a negative whole number
   */
  power<O extends Operand>(other: O): NDArray<Mixed<D, O>, Joined<R, O>> {
    return elementwise('power', this, other)
  }
  /** The smaller of both; NaN if there is one. */
  minimum<O extends Operand>(other: O): NDArray<Mixed<D, O>, Joined<R, O>> {
    return elementwise('minimum', this, other)
  }
  /** The larger of both; NaN if there is one. */
  maximum<O extends Operand>(other: O): NDArray<Mixed<D, O>, Joined<R, O>> {
    return elementwise('maximum', this, other)
  }
  /** Bounds the elements; leave out a bound with `undefined`. */
  clip(low?: Operand, high?: Operand): NDArray<D, R> {
    const raised = low === undefined ? this : this.maximum(low)
    return (high === undefined ? raised : (raised as NDArray<D, R>).minimum(high)) as NDArray<D, R>
  }
  /** `-this`. */
  negative(): NDArray<D, R> {
    return elementwise('negative', this)
  }
  /** The absolute value. */
  abs(): NDArray<D, R> {
    return elementwise('abs', this)
  }
  /** -1, 0 or 1. */
  sign(): NDArray<D, R> {
    return elementwise('sign', this)
  }
  /** `this * this`. */
  square(): NDArray<D, R> {
    return elementwise('square', this)
  }
  /** The square root. */
  sqrt(): NDArray<Float<D>, R> {
    return elementwise('sqrt', this)
  }
  /** e to the power of this. */
  exp(): NDArray<Float<D>, R> {
    return elementwise('exp', this)
  }
  /** The natural logarithm. */
  log(): NDArray<Float<D>, R> {
    return elementwise('log', this)
  }
  /** The sine, of radians. */
  sin(): NDArray<Float<D>, R> {
    return elementwise('sin', this)
  }
  /** The cosine, of radians. */
  cos(): NDArray<Float<D>, R> {
    return elementwise('cos', this)
  }
  /** The tangent, of radians. */
  tan(): NDArray<Float<D>, R> {
    return elementwise('tan', this)
  }
  /** Rounded down. */
  floor(): NDArray<D, R> {
    return elementwise('floor', this)
  }
  /** Rounded up. */
  ceil(): NDArray<D, R> {
    return elementwise('ceil', this)
  }
  /**
   * Rounds to this many decimals, ties to even; to tens and hundreds when negative. The dtype stays.
   * @throws {InvalidOption} when `decimals` is not a whole number
   */
  round(decimals = 0): NDArray<D, R> {
    return new NDArray(rounded(this.node, decimals))
  }

  // Comparison -------------------------------------------------------------------------------------------------------

  /** Where both are equal. */
  equal<O extends Operand>(other: O): NDArray<'bool', Joined<R, O>> {
    return elementwise('equal', this, other)
  }
  /** Where both differ. */
  notEqual<O extends Operand>(other: O): NDArray<'bool', Joined<R, O>> {
    return elementwise('notEqual', this, other)
  }
  /** Where this is less. */
  less<O extends Operand>(other: O): NDArray<'bool', Joined<R, O>> {
    return elementwise('less', this, other)
  }
  /** Where this is less or equal. */
  lessEqual<O extends Operand>(other: O): NDArray<'bool', Joined<R, O>> {
    return elementwise('lessEqual', this, other)
  }
  /** Where this is greater. */
  greater<O extends Operand>(other: O): NDArray<'bool', Joined<R, O>> {
    return elementwise('greater', this, other)
  }
  /** Where this is greater or equal. */
  greaterEqual<O extends Operand>(other: O): NDArray<'bool', Joined<R, O>> {
    return elementwise('greaterEqual', this, other)
  }
  /** Where this is 0 or false. */
  logicalNot(): NDArray<'bool', R> {
    return elementwise('logicalNot', this)
  }

  // Shape ------------------------------------------------------------------------------------------------------------

  /** The same elements as another dtype: floats truncate and saturate, whole numbers wrap around. */
  astype<E extends DType>(dtype: E): NDArray<E, R> {
    return new NDArray(build.cast(this.node, checkDType(dtype, 'dtype')))
  }

  /**
   * NumPy's indexing: whole numbers, slices (`slice(1, 10, 2)` or `'1:10:2'`), `null` for a new axis, `'...'`, arrays or lists of indices, and
   * masks of bool, which may stand for several axes. What a mask selects has a length that only the computation knows.
   * @throws {InvalidOption} when an index does not fit the shape; of an array of indices this shows in `compute`
   * @example
   * x.get(0, '::2', '...')
   * x.get([3, 1, 1])               // rows 3, 1 and 1
   * x.get(x.greater(0))            // elements above 0
   * x.get(':', rowsOfOtherArray)   // columns by an array of indices
   */
  get(...indices: readonly Indexing[]): NDArray<D, 'array'> {
    return new NDArray(selected(this.node, indices.map(selectorOf)))
  }

  /**
   * A new array that is like this one but for what `index` selects.
   * @param index as in {@link get}; several of them, or a list of indices, stand in a list: `[0, '::2']`, `[[3, 1]]`
   * @param value a number, or an array that can be broadcast to what is selected
   * @throws {InvalidOption} when the value does not fit the dtype or the shape
   * @example
   * x.set(x.less(0), 0)
   * x.set([':', 2], column)
   */
  set(index: Indexing | readonly Indexing[], value: Operand): NDArray<D, R> {
    const indices = Array.isArray(index) ? [...(index as readonly Indexing[])] : [index as Indexing]
    const put = value instanceof NDArray ? value.node : build.checkValue(value, 'set')
    return new NDArray(assigned(this.node, indices.map(selectorOf), put))
  }

  /** One length may be −1: it follows from the others. */
  reshape(...shape: readonly number[] | readonly [Shape]): NDArray<D, 'array'> {
    return new NDArray(build.reshape(this.node, (Array.isArray(shape[0]) ? shape[0] : shape) as Shape))
  }

  /** @param axes the order of the axes. @default reversed */
  transpose(...axes: readonly number[] | readonly [readonly number[]]): NDArray<D, R> {
    const given = (Array.isArray(axes[0]) ? axes[0] : axes) as readonly number[]
    const order = axes.length > 0 ? given : this.shape.map((_, i) => this.ndim - 1 - i)
    return new NDArray(build.view(this.node, transposeView(this.shape, order)))
  }

  get T(): NDArray<D, R> {
    return this.transpose()
  }

  /** All elements along one axis, in C order. */
  ravel(): NDArray<D, 'array'> {
    return this.reshape(-1)
  }

  // Reductions -------------------------------------------------------------------------------------------------------

  /** Compensated; exact for whole numbers, which give f64 (i64 wraps around and stays). */
  sum<const O extends SumOptions | undefined = undefined>(options?: O): NDArray<TotalOf<D, O>, Reduced<O>> {
    return this.#reduce('sum', options)
  }
  /** Whole numbers give f64 (i64 wraps around and stays). */
  prod<const O extends SumOptions | undefined = undefined>(options?: O): NDArray<TotalOf<D, O>, Reduced<O>> {
    return this.#reduce('prod', options)
  }
  /** The mean, over all axes or those of `axis`. */
  mean<const O extends ReduceOptions | undefined = undefined>(options?: O): NDArray<Float<D>, Reduced<O>> {
    return this.#reduce('mean', options)
  }
  /** The variance, over all axes or those of `axis`. */
  var<const O extends VarianceOptions | undefined = undefined>(options?: O): NDArray<Float<D>, Reduced<O>> {
    return this.#reduce('var', options)
  }
  /** The standard deviation, over all axes or those of `axis`. */
  std<const O extends VarianceOptions | undefined = undefined>(options?: O): NDArray<Float<D>, Reduced<O>> {
    return this.#reduce('std', options)
  }
  /** NaN if there is one. */
  min<const O extends ReduceOptions | undefined = undefined>(options?: O): NDArray<D, Reduced<O>> {
    return this.#reduce('min', options)
  }
  /** The largest element; NaN if there is one. @throws {InvalidOption} when there is no element */
  max<const O extends ReduceOptions | undefined = undefined>(options?: O): NDArray<D, Reduced<O>> {
    return this.#reduce('max', options)
  }
  /** Position of the first minimum, over all elements in C order or along one axis; of the first NaN if there is one. */
  argmin<const O extends ArgumentOptions | undefined = undefined>(options?: O): NDArray<'f64', Reduced<O>> {
    return this.#reduce('argmin', options)
  }
  /** The index of the first largest element. @throws {InvalidOption} when there is no element */
  argmax<const O extends ArgumentOptions | undefined = undefined>(options?: O): NDArray<'f64', Reduced<O>> {
    return this.#reduce('argmax', options)
  }
  /** Whether any element is not 0. */
  any<const O extends ReduceOptions | undefined = undefined>(options?: O): NDArray<'bool', Reduced<O>> {
    return this.#reduce('any', options)
  }
  /** Whether no element is 0. */
  all<const O extends ReduceOptions | undefined = undefined>(options?: O): NDArray<'bool', Reduced<O>> {
    return this.#reduce('all', options)
  }
  /** How many elements are not zero. */
  count<const O extends ReduceOptions | undefined = undefined>(options?: O): NDArray<'f64', Reduced<O>> {
    return new NDArray(reduceNode('sum', build.cast(this.node, 'bool'), options === undefined ? {} : options, 'count'))
  }

  #reduce<E extends DType, S extends Rank>(name: ReduceName, options: VarianceOptions & SumOptions = {}): NDArray<E, S> {
    return new NDArray(reduceNode(name, this.node, options, name))
  }

  // Blocks -----------------------------------------------------------------------------------------------------------

  /** The lengths of the blocks along each axis: what functions of blocks see. @throws {InvalidOption} when a length is unknown */
  get chunks(): readonly (readonly number[])[] {
    return blocksOf(this.node, 'chunks').map((axis) => axis.lengths())
  }

  /** How many blocks there are along each axis. @throws {InvalidOption} when a length is unknown */
  get numblocks(): readonly number[] {
    return blocksOf(this.node, 'numblocks').map(({ count }) => count)
  }

  /**
   * The same array with other blocks, for functions of blocks, `blocks()` and files in chunks. Nothing is copied.
   * @param chunks a length for the first axis; or for each axis a length, a list of lengths, or −1 for the whole axis
   * @throws {InvalidOption} when it does not fit the shape
   */
  rechunk(chunks: Chunks): NDArray<D, R> {
    return new NDArray(build.regrid(this.node, gridOf(this.shape, chunks, 'rechunk')))
  }

  /**
   * The blocks, one after the other in C order; the next one is computed while you work on one. Only two are in memory at a time, unless the expression
   * itself needs more. The elements may be the array's own: they must not be changed.
   * @throws {BudgetExceeded} when `memoryLimit` does not suffice; {@link Cancelled} when the signal aborts
   */
  blocks(options: ComputeOptions = {}): AsyncIterableIterator<ComputedBlock<D>> {
    return iterateBlocks<D>(this.node, options)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<ComputedBlock<D>> {
    return this.blocks()
  }

  // Computation ------------------------------------------------------------------------------------------------------

  /**
   * Computes the array: a number (i64 and u64: a bigint, bool: a boolean) when its shape is `()`, else the elements in shared memory.
   * @throws {BudgetExceeded} when `memoryLimit` does not suffice; {@link Cancelled} when the signal aborts
   */
  async compute(options: ComputeOptions = {}): Promise<Computed<D, R>> {
    const [dense] = (await computeNodes([this.node], options)) as [Dense]
    return (this.ndim === 0 ? dense.item() : dense) as Computed<D, R>
  }

  /** Computes the array and keeps it in memory, as a lazy array that others can start from. */
  async persist(options: ComputeOptions = {}): Promise<NDArray<D, R>> {
    const [dense] = (await computeNodes([this.node], options)) as [Dense]
    return new NDArray(dense.node)
  }

  /** The plan, for reading: passes over memory, kernels, bytes, expected time. Computes nothing. */
  explain(): string {
    return explain(this.node)
  }

  /** What the computation costs: passes, bytes read, peak memory, time. Computes nothing. */
  estimate(): Estimate {
    return estimate(this.node)
  }

  /** Shape, dtype, chunks and bytes. */
  toString(): string {
    const { dtype, shape, nbytes, chunk, size } = this
    const chunks = Number.isNaN(size) ? '?' : `${Math.ceil(size / Math.max(1, chunk))} × ${chunk.toLocaleString('en')}`
    return `NDArray ${showShape(shape)} ${dtype}, chunks ${chunks}, ${Number.isNaN(nbytes) ? 'unknown size' : formatBytes(nbytes)}`
  }

  /** As `toString`, with the elements where they are in memory: printing computes nothing. */
  [inspect.custom](): string {
    const { node } = this
    return node.kind === 'dense' ? `${this.toString()}\n${printElements(node)}` : this.toString()
  }
}

function selectorOf(index: Indexing): Selector {
  return index instanceof NDArray || ArrayBuffer.isView(index) || Array.isArray(index)
    ? { array: operandNode(index, 'get') }
    : parseIndex(index)
}

/**
 * An array, a typed array or a list as a node.
 * @throws {InvalidOption} for anything else
 */
export function operandNode(value: unknown, where: string): Node {
  if (ArrayBuffer.isView(value)) return nodeOfView(value)
  return Array.isArray(value) ? nodeOfList(value as Nested<Value>, undefined, where) : checkArray(value, where).node
}

/** An elementwise operation on arrays and numbers. */
export function elementwise<D extends DType, R extends Rank>(
  name: OperationName,
  ...operands: readonly Operand[]
): NDArray<D, R> {
  const nodes = build.operandNodes(
    name,
    operands.map((operand): Node | Value => (operand instanceof NDArray ? operand.node : build.checkValue(operand, name))),
  )
  return new NDArray(build.map(name, nodes))
}

/**
 * An argument that must be an array.
 * @throws {InvalidOption} saying how to make one
 */
export function checkArray(value: unknown, where: string): NDArray {
  if (value instanceof NDArray) return value
  throw new InvalidOption(`Expected ${where} to get an array, got ${describe(value)}`, {
    hint: 'Numbers, lists, typed arrays and results of `compute` become arrays with `da.from(…)`.',
  })
}

/** The delta of the degrees of freedom: what is taken off the number of elements. */
export const ddofRule = { expected: 'a number', accepts: Number.isFinite }
export const reduceRules = { axis: axesRule, keepdims: rules.boolean }

function reduceNode(name: ReduceName, given: Node, options: VarianceOptions & SumOptions, where: string): Node {
  if (name === 'var' || name === 'std') checkOptions<VarianceOptions>(options, { ...reduceRules, ddof: ddofRule }, where)
  else if (name === 'argmin' || name === 'argmax')
    checkOptions<ArgumentOptions>(options, { ...reduceRules, axis: axisRule }, where)
  else if (where === 'sum' || where === 'prod') checkOptions<SumOptions>(options, { ...reduceRules, dtype: dtypeRule }, where)
  else checkOptions<ReduceOptions>(options, reduceRules, where)
  const input = options.dtype === undefined ? given : build.cast(given, checkDType(options.dtype, 'dtype'))
  const reducedAxes = normalizeAxes(options.axis, input.shape.length)
  const wide = reduced(name, input, reducedAxes, options.ddof)
  const node = options.dtype === undefined ? wide : build.cast(wide, options.dtype)
  if (options.keepdims !== true) return node
  return build.reshape(
    node,
    input.shape.map((n, i) => (reducedAxes.includes(i) ? 1 : Number.isNaN(n) ? -1 : n)),
  )
}
