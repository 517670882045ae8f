/**
 * Makes nodes: checks operands, applies the rules of broadcasting and promotion, and simplifies what is free to
 * simplify. Everything that the public arrays do passes through here.
 */
import { describe, InvalidOption } from '../../base/errors.ts'
import { type DType, dtypeOfValue, fits, isFloat, isUnsigned, promote, promoteWeak, type Value } from './dtype.ts'
import { applyOperation, convert, operations, type OperationName, rawOf, type Raw, resultTypes } from './elementwise.ts'
import { type AlgorithmName, type AlgorithmNode, type FullNode, makeNode, type Node, type ReduceRule } from './node.ts'
import { type AxisGrid, type Grid, shapeOfGrid } from './grid.ts'
import { broadcastShapes, type Shape, showShape, sizeOf } from './shape.ts'
import { composeViews, identityView, isIdentity, type View } from './view.ts'

export function full(shape: Shape, dtype: DType, value: Raw): FullNode {
  return makeNode({ kind: 'full', shape, dtype, value, chunk: undefined })
}

/**
 * Operands of one operation as nodes; numbers take the dtype that NumPy's weak promotion gives them.
 * @throws {InvalidOption} when a number does not fit the integer type of the arrays; comparisons take any number
 */
export function operandNodes(name: OperationName, operands: readonly (Node | Value)[]): Node[] {
  const arrays = operands.filter((operand): operand is Node => typeof operand === 'object')
  const common = arrays.length > 0 ? arrays.map(({ dtype }) => dtype).reduce(promote) : undefined
  return operands.map((operand) => {
    if (typeof operand === 'object') return operand
    if (common === undefined) return full([], dtypeOfValue(operand), rawOf(dtypeOfValue(operand), operand))
    if (operations[name].rule === 'compare' && typeof operand !== 'boolean') return compared(common, operand)
    const dtype = promoteWeak(common, operand)
    return full([], dtype, rawOf(dtype, operand))
  })
}

/** A whole number beyond an integer type is larger or smaller than each of its elements, as infinity is. */
function compared(array: DType, value: number | bigint): FullNode {
  const dtype = array === 'bool' && typeof value === 'bigint' ? 'i64' : array
  if (isFloat(dtype) || dtype === 'bool' || (typeof value === 'number' && !Number.isInteger(value))) {
    const float = isFloat(dtype) ? dtype : 'f64'
    return full([], float, rawOf(float, value))
  }
  if (fits(dtype, value)) return full([], dtype, rawOf(dtype, value))
  return full([], 'f64', value > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY)
}

/** @throws {InvalidOption} when the shapes do not go together or the operation is not defined for the dtypes. */
export function map(name: OperationName, inputs: readonly Node[]): Node {
  const exact = operations[name].rule === 'compare' ? comparedExactly(name, inputs) : undefined
  if (exact) return exact
  const { operand, result } = resultTypes(
    name,
    inputs.map(({ dtype }) => dtype),
  )
  const shape = broadcastShapes(...inputs.map((input) => input.shape))
  const simple = simplified(name, inputs, operand, shape)
  if (simple) return simple
  const chunk = chunkOf(inputs)
  return makeNode({ kind: 'map', name, operand, inputs, dtype: result, shape, chunk, grid: gridOfInputs(inputs, shape) })
}

/** The result of a comparison whose left number has a sign and is below 0. */
const whenNegative: Partial<Record<OperationName, 0 | 1>> = {
  equal: 0,
  notEqual: 1,
  less: 1,
  lessEqual: 1,
  greater: 0,
  greaterEqual: 0,
}

/** Whole numbers of 64 bits without a sign and others with one have no dtype in common but f64, which would round them. */
function comparedExactly(name: OperationName, inputs: readonly Node[]): Node | undefined {
  const [a, b] = inputs as [Node, Node]
  const mixed = (x: Node, y: Node): boolean =>
    x.dtype === 'u64' && !isFloat(y.dtype) && y.dtype !== 'bool' && !isUnsigned(y.dtype)
  if (!mixed(a, b) && !mixed(b, a)) return undefined
  const signed = a.dtype === 'u64' ? b : a
  const below = map('less', [signed, full([], signed.dtype, rawOf(signed.dtype, 0))])
  const said = whenNegative[name] as 0 | 1
  const value = signed === a || name === 'equal' || name === 'notEqual' ? said : 1 - said
  return map('where', [below, full([], 'bool', value), map(name, [cast(a, 'u64'), cast(b, 'u64')])])
}

/** Operations on constants are done at once; powers with a simple exponent become what they are. */
function simplified(name: OperationName, inputs: readonly Node[], operand: DType, shape: Shape): Node | undefined {
  const values = inputs.map((input) => (input.kind === 'full' ? input : undefined))
  const last = values.at(-1)
  if (values.every((value) => value !== undefined) && operations[name].rule !== 'where') {
    const raw = applyOperation(
      name,
      operand,
      values.map((v) => convert(v.dtype, operand, v.value)),
    )
    return full(
      shape,
      resultTypes(
        name,
        inputs.map((i) => i.dtype),
      ).result,
      raw,
    )
  }
  if (name !== 'power' || !last || sizeOf(last.shape) !== 1 || last.shape.length > (inputs[0] as Node).shape.length)
    return undefined
  const base = cast(inputs[0] as Node, operand)
  if (!isFloat(operand) && last.value < 0) {
    throw new InvalidOption(`Whole numbers cannot be raised to a negative whole power: ${operand} to ${last.value}`, {
      hint: "Convert the base first, for instance with `.astype('f64')`.",
    })
  }
  switch (Number(last.value)) {
    case 1:
      return base
    case 2:
      return map('square', [base])
    case -1:
      return map('reciprocal', [base])
    default:
      return undefined
  }
}

export function cast(input: Node, dtype: DType): Node {
  if (input.dtype === dtype) return input
  if (input.kind === 'full') return full(input.shape, dtype, convert(input.dtype, dtype, input.value))
  return makeNode({ kind: 'cast', input, dtype, shape: input.shape, chunk: input.chunk, grid: input.grid })
}

export function view(input: Node, selected: View): Node {
  if (isIdentity(selected, input.shape)) return input
  if (input.kind === 'full') return full(selected.shape, input.dtype, input.value)
  if (input.kind === 'view') return view(input.input, composeViews(selected, input.view))
  return makeNode({ kind: 'view', input, view: selected, dtype: input.dtype, shape: selected.shape, chunk: undefined })
}

/** The same elements, which are put into C order when they lie otherwise. */
export function inOrder(input: Node): Node {
  const view = { shape: input.shape, axes: input.shape.map((_, from) => ({ start: 0, step: 1, from })) }
  return makeNode({ kind: 'view', input, view, dtype: input.dtype, shape: input.shape, chunk: undefined })
}

/** @throws {InvalidOption} when the number of elements differs; one length may be −1. */
export function reshape(input: Node, wanted: Shape): Node {
  for (const n of wanted)
    if (typeof n !== 'number')
      throw new InvalidOption(`Expected reshape to get whole numbers, one of which may be -1, got ${describe(n)}`)
  const size = sizeOf(input.shape)
  const given = wanted.filter((n) => n !== -1)
  const shape = wanted.map((n) => (n === -1 ? size / sizeOf(given) : n))
  // Of an unknown number of elements everything is possible until they are computed; then this is asked again.
  const fit = Number.isNaN(size) || (sizeOf(shape) === size && shape.every(Number.isSafeInteger))
  if (!fit || !given.every((n) => Number.isSafeInteger(n) && n >= 0) || wanted.length - given.length > 1) {
    throw new InvalidOption(
      `An array of shape ${showShape(input.shape)} with ${size} elements cannot be reshaped to ${showShape(wanted)}`,
    )
  }
  if (String(shape) === String(input.shape)) return input
  if (input.kind === 'full') return full(shape, input.dtype, input.value)
  return makeNode({
    kind: 'reshape',
    input: input.kind === 'reshape' ? input.input : input,
    dtype: input.dtype,
    shape,
    chunk: input.chunk,
  })
}

/** Whether two lengths are known to differ. */
const differ = (a: number, b: number): boolean => a !== b && !Number.isNaN(a) && !Number.isNaN(b)

/**
 * The elements at which a mask is true.
 * @throws {InvalidOption} when it is not a mask of bool, or has another shape
 */
export function compress(input: Node, mask: Node): Node {
  if (mask.dtype !== 'bool') {
    throw new InvalidOption(`Expected a mask of bool, got an array of ${mask.dtype}`, {
      hint: 'Compare first, as in `x.get(x.greater(0))`.',
    })
  }
  if (mask.shape.length !== input.shape.length || mask.shape.some((n, i) => differ(n, input.shape[i] as number))) {
    throw new InvalidOption(`A mask of shape ${showShape(mask.shape)} does not fit an array of shape ${showShape(input.shape)}`)
  }
  return algorithm('compress', [input, mask], input.dtype, [Number.NaN])
}

/** Dtypes whose elements a product reads as they are; others are cast to f64 first. */
const multiplied: readonly DType[] = ['f64', 'f32', 'i32', 'i16', 'i8', 'u32', 'u16', 'u8', 'bool']

/**
 * Matrix products, of matrices with the same axes before the last two. In f32 where both are, else in f64.
 * @throws {InvalidOption} when the inner lengths are known to differ
 */
export function product(left: Node, right: Node): Node {
  if (differ(left.shape.at(-1) as number, right.shape.at(-2) as number)) {
    throw new InvalidOption(`Shapes ${showShape(left.shape)} and ${showShape(right.shape)} cannot be multiplied as matrices`, {
      hint: 'The last length of the left one must be the last but one of the right one.',
    })
  }
  const dtype = left.dtype === 'f32' && right.dtype === 'f32' ? 'f32' : 'f64'
  const factors = [left, right].map((node) => (multiplied.includes(node.dtype) ? node : cast(node, 'f64')))
  return algorithm('product', factors, dtype, [...left.shape.slice(0, -1), right.shape.at(-1) as number])
}

/** @throws {InvalidOption} when there are known to be fewer elements than that */
export function topk(input: Node, k: number): Node {
  const size = sizeOf(input.shape)
  if (!Number.isInteger(k) || Math.abs(k) > size) {
    throw new InvalidOption(`Expected \`k\` to be a whole number of at most ${size}, the number of elements, got ${describe(k)}`)
  }
  return algorithm('topk', [input], input.dtype, [Math.abs(k)], { k })
}

/** @throws {InvalidOption} naming both shapes when they differ along another axis. */
export function concat(inputs: readonly Node[], axis: number): Node {
  const [first] = inputs as [Node]
  const dtype = inputs.map((input) => input.dtype).reduce(promote)
  for (const { shape } of inputs) {
    if (shape.length !== first.shape.length || shape.some((n, i) => i !== axis && differ(n, first.shape[i] as number))) {
      throw new InvalidOption(`Shapes ${showShape(first.shape)} and ${showShape(shape)} cannot be joined along axis ${axis}`, {
        hint: 'All lengths but that of the axis must be equal.',
      })
    }
  }
  const shape = first.shape.map((n, i) =>
    i === axis ? inputs.reduce((sum, input) => sum + (input.shape[axis] as number), 0) : n,
  )
  return makeNode({
    kind: 'concat',
    inputs: inputs.map((input) => cast(input, dtype)),
    axis,
    dtype,
    shape,
    chunk: chunkOf(inputs),
  })
}

/**
 * A reduction over axes, which must be ascending. Sums and products of whole numbers below 64 bits are exact, and f64; those of
 * i64 wrap around.
 */
export function reduce(rule: ReduceRule, input: Node, axes: readonly number[], ddof = 0): Node {
  const count = axes.reduce((n, axis) => n * (input.shape[axis] as number), 1)
  if (count === 0 && rule.needsElements) {
    throw new InvalidOption(`\`${rule.name}\` of no elements has no value: shape ${showShape(input.shape)}`)
  }
  return makeNode({
    kind: 'reduce',
    rule,
    input: rule.takes ? cast(input, rule.takes) : input,
    axes,
    ddof,
    dtype: rule.resultType(input.dtype),
    shape: input.shape.filter((_, axis) => !axes.includes(axis)),
    chunk: undefined,
  })
}

export function algorithm(
  name: AlgorithmName,
  inputs: readonly Node[],
  dtype: DType,
  shape: Shape,
  attributes: AlgorithmNode['attributes'] = {},
): Node {
  return makeNode({ kind: 'algorithm', name, inputs, dtype, shape, attributes, chunk: undefined })
}

/** The blocks of the first input that has some, and is not broadcast. */
function gridOfInputs(inputs: readonly Node[], shape: Shape): Node['grid'] {
  for (const { grid } of inputs) if (grid && String(shapeOfGrid(grid)) === String(shape)) return grid
  return undefined
}

/** The same array with other blocks. */
export function regrid(input: Node, grid: Grid): Node {
  const chunk = ((grid[0] as AxisGrid | undefined)?.largest ?? 1) * sizeOf(input.shape.slice(1))
  return makeNode({
    kind: 'view',
    input,
    view: identityView(input.shape),
    dtype: input.dtype,
    shape: input.shape,
    chunk: Math.max(1, chunk),
    grid,
  })
}

/** The chunk that most of the elements were given. */
function chunkOf(inputs: readonly Node[]): number | undefined {
  return inputs.reduce((a, b) => (sizeOf(b.shape) > sizeOf(a.shape) ? b : a)).chunk
}

/** @throws {InvalidOption} when it is neither a number, a bigint nor a boolean. */
export function checkValue(value: unknown, where: string): Value {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return value
  throw new InvalidOption(
    `Expected an operand of ${where} to be an array, a number, a bigint or a boolean, got ${describe(value)}`,
    { hint: 'Lists, typed arrays and results of `compute` become arrays with `da.from(…)`.' },
  )
}
