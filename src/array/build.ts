/**
 * Makes nodes: checks operands, applies the rules of broadcasting and promotion, and simplifies what is free to
 * simplify. Everything that the public arrays do passes through here.
 */
import { describe, InvalidOption } from '../base/errors.ts'
import { type DType, dtypeOfValue, promote, promoteWeak, type Value } from './dtype.ts'
import { applyOperation, convert, operations, type OperationName, rawOf, type Raw, resultTypes } from './elementwise.ts'
import { type AlgorithmName, type AlgorithmNode, type FullNode, makeNode, type Node, type ReduceName } from './node.ts'
import { broadcastShapes, type Shape, showShape, sizeOf } from './shape.ts'
import { composeViews, isIdentity, type View } from './view.ts'

export function full(shape: Shape, dtype: DType, value: Raw): FullNode {
  return makeNode({ kind: 'full', shape, dtype, value, chunk: undefined })
}

/** Operands of one operation as nodes; numbers take the dtype that NumPy's weak promotion gives them. */
export function operandNodes(operands: readonly (Node | Value)[]): Node[] {
  const arrays = operands.filter((operand): operand is Node => typeof operand === 'object')
  const common = arrays.length > 0 ? arrays.map(({ dtype }) => dtype).reduce(promote) : undefined
  return operands.map((operand) => {
    if (typeof operand === 'object') return operand
    const dtype = common === undefined ? dtypeOfValue(operand) : promoteWeak(common, operand)
    return full([], dtype, rawOf(dtype, operand))
  })
}

/** @throws {InvalidOption} when the shapes do not go together or the operation is not defined for the dtypes. */
export function map(name: OperationName, inputs: readonly Node[]): Node {
  const { operand, result } = resultTypes(
    name,
    inputs.map(({ dtype }) => dtype),
  )
  const shape = broadcastShapes(...inputs.map((input) => input.shape))
  const simple = simplified(name, inputs, operand, shape)
  if (simple) return simple
  return makeNode({ kind: 'map', name, operand, inputs, dtype: result, shape, chunk: chunkOf(inputs) })
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
  return makeNode({ kind: 'cast', input, dtype, shape: input.shape, chunk: input.chunk })
}

export function view(input: Node, selected: View): Node {
  if (isIdentity(selected, input.shape)) return input
  if (input.kind === 'full') return full(selected.shape, input.dtype, input.value)
  if (input.kind === 'view') return view(input.input, composeViews(selected, input.view))
  return makeNode({ kind: 'view', input, view: selected, dtype: input.dtype, shape: selected.shape, chunk: undefined })
}

/** @throws {InvalidOption} when the number of elements differs; one length may be −1. */
export function reshape(input: Node, wanted: Shape): Node {
  const size = sizeOf(input.shape)
  const known = wanted.filter((n) => n !== -1).reduce((a, b) => a * b, 1)
  const shape = wanted.map((n) => (n === -1 ? size / known : n))
  const whole = Number.isNaN(size)
    ? wanted.every((n) => n === -1 || n === 1)
    : sizeOf(shape) === size && shape.every((n) => Number.isInteger(n) && n >= 0)
  if (!whole || wanted.filter((n) => n === -1).length > 1) {
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

/** @throws {InvalidOption} naming both shapes when they differ along another axis. */
export function concat(inputs: readonly Node[], axis: number): Node {
  const [first] = inputs as [Node]
  const dtype = inputs.map((input) => input.dtype).reduce(promote)
  for (const { shape } of inputs) {
    if (shape.length !== first.shape.length || shape.some((n, i) => i !== axis && n !== first.shape[i])) {
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

const boolReductions: readonly ReduceName[] = ['any', 'all']
const needsElements: readonly ReduceName[] = ['min', 'max', 'argmin', 'argmax']

/**
 * A reduction over axes, which must be ascending. Sums and products of whole numbers below 64 bits are exact, and f64; those of
 * i64 wrap around.
 */
export function reduce(name: ReduceName, input: Node, axes: readonly number[], ddof = 0): Node {
  const source = boolReductions.includes(name)
    ? cast(input, 'bool')
    : name === 'prod' && input.dtype !== 'f64'
      ? cast(input, 'f64')
      : input
  const count = axes.reduce((n, axis) => n * (input.shape[axis] as number), 1)
  if (count === 0 && needsElements.includes(name)) {
    throw new InvalidOption(`\`${name}\` of no elements has no value: shape ${showShape(input.shape)}`)
  }
  const shape = input.shape.filter((_, axis) => !axes.includes(axis))
  return makeNode({
    kind: 'reduce',
    name,
    input: source,
    axes,
    ddof,
    dtype: reducedType(name, input.dtype),
    shape,
    chunk: undefined,
  })
}

function reducedType(name: ReduceName, dtype: DType): DType {
  switch (name) {
    case 'any':
    case 'all':
      return 'bool'
    case 'min':
    case 'max':
      return dtype
    case 'sum':
      return dtype === 'i64' || dtype === 'f32' ? dtype : 'f64'
    case 'argmin':
    case 'argmax':
      return 'f64'
    default:
      return dtype === 'f32' ? 'f32' : 'f64'
  }
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

/** The chunk that most of the elements were given. */
function chunkOf(inputs: readonly Node[]): number | undefined {
  return inputs.reduce((a, b) => (sizeOf(b.shape) > sizeOf(a.shape) ? b : a)).chunk
}

/** @throws {InvalidOption} when it is neither a number, a bigint nor a boolean. */
export function checkValue(value: unknown, where: string): Value {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return value
  throw new InvalidOption(
    `Expected an operand of ${where} to be an array, a number, a bigint or a boolean, got ${describe(value)}`,
  )
}
