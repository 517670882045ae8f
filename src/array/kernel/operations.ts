/** The elementwise operations on vectors: the same meaning as in `../expression/elementwise.ts`, four elements at a time. */
import { bytesPer, type DType, isBig, isUnsigned } from '../expression/dtype.ts'
import type { OperationName } from '../expression/elementwise.ts'
import { c, cos, exp, type F64, log, pow, sin, tan } from '../wasm/math.ts'
import type { SimdOp } from '../wasm/opcodes.ts'
import type { Vector, VectorGraph } from '../wasm/vectors.ts'
import { convertLanes, type Lanes, narrowMask, widenMask, wrapLanes } from './convert.ts'

type Shape = 'f64x2' | 'f32x4' | 'i64x2' | 'i32x4'
const shapes: Readonly<Record<DType, Shape>> = {
  f64: 'f64x2',
  f32: 'f32x4',
  f16: 'f32x4',
  i64: 'i64x2',
  i32: 'i32x4',
  i16: 'i32x4',
  i8: 'i32x4',
  u64: 'i64x2',
  u32: 'i32x4',
  u16: 'i32x4',
  u8: 'i32x4',
  bool: 'i32x4',
}

const comparisons: Partial<Record<OperationName, 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'>> = {
  equal: 'eq',
  notEqual: 'ne',
  less: 'lt',
  lessEqual: 'le',
  greater: 'gt',
  greaterEqual: 'ge',
}

const vectorFunctions: Partial<Record<OperationName, (m: F64, x: Vector) => Vector>> = { exp, log, sin, cos, tan }

/** Emits one operation whose operands have the operand dtype (bool and the operand dtype for `where`). */
export function vectorOperation(m: F64, name: OperationName, operand: DType, args: readonly Lanes[]): Lanes {
  const g = m.g
  if (name === 'where') {
    const mask = shapes[operand].endsWith('x2') ? widenMask(g, args[0] as Lanes) : (args[0] as Lanes)
    return mask.map((bits, i) => g.select(bits, args[1]?.[i] as Vector, args[2]?.[i] as Vector))
  }
  const comparison = comparisons[name]
  if (comparison) return compareLanes(g, comparison, operand, args)
  if (operand === 'bool') return boolOperation(g, name, args)
  if (operand === 'f64') return float64Operation(m, name, args)
  if (operand === 'f32') return float32Operation(m, name, args)
  if (operand === 'f16') return float16Operation(m, name, args)
  return integerOperation(m, name, operand, args)
}

const zip = (args: readonly Lanes[], f: (...v: [Vector, Vector]) => Vector): Lanes =>
  (args[0] as Lanes).map((a, i) => f(a, args[1]?.[i] as Vector))

function compareLanes(
  g: VectorGraph,
  comparison: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge',
  operand: DType,
  args: readonly Lanes[],
): Lanes {
  const operands =
    operand === 'bool'
      ? args.map((lanes) => convertLanes(g, 'bool', 'i32', lanes))
      : operand === 'u64'
        ? args.map((lanes) => lanes.map((v) => turned(g, v)))
        : args
  const shape = shapes[operand]
  const sign = shape.startsWith('f') || comparison === 'eq' || comparison === 'ne' ? '' : operand === 'u32' ? '_u' : '_s'
  const masks = zip(operands, (a, b) => g.op(`${shape}.${comparison}${sign}` as SimdOp, a, b))
  return masks.length === 2 ? narrowMask(g, masks) : masks
}

/** Whole numbers of 64 bits without a sign, as those with one that are in the same order: there is no other comparison. */
const turned = (g: VectorGraph, v: Vector): Vector => g.op('v128.xor', v, g.i64(-(2n ** 63n)))

function boolOperation(g: VectorGraph, name: OperationName, args: readonly Lanes[]): Lanes {
  switch (name) {
    case 'add':
    case 'maximum':
    case 'logicalOr':
    case 'bitwiseOr':
      return zip(args, (a, b) => g.op('v128.or', a, b))
    case 'multiply':
    case 'minimum':
    case 'logicalAnd':
    case 'bitwiseAnd':
      return zip(args, (a, b) => g.op('v128.and', a, b))
    case 'logicalXor':
    case 'bitwiseXor':
      return zip(args, (a, b) => g.op('v128.xor', a, b))
    case 'logicalNot':
    case 'invert':
      return zip(args, (a) => g.op('v128.not', a))
    default:
      // abs, square, floor, ceil, trunc and rint change nothing.
      return args[0] as Lanes
  }
}

/** Operations that one instruction does, for both float shapes. */
const direct: Partial<Record<OperationName, string>> = {
  add: 'add',
  subtract: 'sub',
  multiply: 'mul',
  divide: 'div',
  minimum: 'min',
  maximum: 'max',
  negative: 'neg',
  abs: 'abs',
  sqrt: 'sqrt',
  floor: 'floor',
  ceil: 'ceil',
  trunc: 'trunc',
  rint: 'nearest',
}

function floatOperation(m: F64, shape: 'f64x2' | 'f32x4', name: OperationName, args: readonly Lanes[]): Lanes | undefined {
  const g = m.g
  const constant = (x: number): Vector => (shape === 'f64x2' ? g.f64(x) : g.f32(x))
  const masks = (lanes: Lanes): Lanes => (shape === 'f64x2' ? narrowMask(g, lanes) : lanes)
  const instruction = direct[name]
  if (instruction) return zip(args, (a, b) => g.op(`${shape}.${instruction}` as SimdOp, ...(args.length === 2 ? [a, b] : [a])))
  switch (name) {
    case 'square':
      return zip(args, (a) => g.op(`${shape}.mul`, a, a))
    case 'reciprocal':
      return zip(args, (a) => g.op(`${shape}.div`, constant(1), a))
    case 'sign':
      return zip(args, (a) =>
        g.select(
          g.op(`${shape}.gt`, a, constant(0)),
          constant(1),
          // That of -0 is 0.
          g.select(g.op(`${shape}.lt`, a, constant(0)), constant(-1), g.op(`${shape}.add`, a, constant(0))),
        ),
      )
    case 'isnan':
      return masks(zip(args, (a) => g.op(`${shape}.ne`, a, a)))
    case 'isinf':
      return masks(zip(args, (a) => g.op(`${shape}.eq`, g.op(`${shape}.abs`, a), constant(Number.POSITIVE_INFINITY))))
    case 'isfinite':
      return masks(zip(args, (a) => g.op(`${shape}.lt`, g.op(`${shape}.abs`, a), constant(Number.POSITIVE_INFINITY))))
    case 'copysign': {
      const sign = constant(-0)
      return zip(args, (a, b) => g.select(sign, g.op('v128.and', b, g.op(`${shape}.eq`, b, b)), a))
    }
    case 'signbit': {
      // That of a NaN depends on the processor.
      const below = (a: Vector): Vector =>
        shape === 'f64x2' ? g.op('i64x2.lt_s', a, g.i64(0n)) : g.op('i32x4.lt_s', a, g.i32(0))
      return masks(zip(args, (a) => g.op('v128.and', below(a), g.op(`${shape}.eq`, a, a))))
    }
    default:
      return undefined
  }
}

function float64Operation(m: F64, name: OperationName, args: readonly Lanes[]): Lanes {
  const simple = floatOperation(m, 'f64x2', name, args)
  if (simple) return simple
  const vector = vectorFunctions[name]
  if (vector) return zip(args, (a) => vector(m, a))
  if (name === 'power') return zip(args, (a, b) => pow(m, a, b))
  // The rest has no vector form here.
  return laneByLane(m, name, args)
}

function float32Operation(m: F64, name: OperationName, args: readonly Lanes[]): Lanes {
  const simple = floatOperation(m, 'f32x4', name, args)
  if (simple) return simple
  return inDoubles(m, 'f32', name === 'nextafter' ? 'nextafter.f32' : name, args)
}

/** In lanes of 32 bits, whose results round to 16 as exact ones would: 24 bits are twice 11, and two more. */
function float16Operation(m: F64, name: OperationName, args: readonly Lanes[]): Lanes {
  if (name === 'nextafter') return inDoubles(m, 'f16', 'nextafter.f16', args)
  const simple = floatOperation(m, 'f32x4', name, args)
  const test = name === 'isnan' || name === 'isinf' || name === 'isfinite' || name === 'signbit'
  if (simple) return test ? simple : convertLanes(m.g, 'f32', 'f16', simple)
  return inDoubles(m, 'f16', name, args)
}

function inDoubles(m: F64, dtype: DType, name: OperationName | 'nextafter.f32' | 'nextafter.f16', args: readonly Lanes[]): Lanes {
  const wide = args.map((lanes) => convertLanes(m.g, dtype, 'f64', lanes))
  const results =
    name === 'nextafter.f32' || name === 'nextafter.f16' ? laneByLane(m, name, wide) : float64Operation(m, name, wide)
  return convertLanes(m.g, 'f64', dtype, results)
}

/** Calls a scalar function of doubles. */
function laneByLane(m: F64, name: string, args: readonly Lanes[]): Lanes {
  const everywhere = m.bits(-1n)
  return zip(args, (a, b) => m.g.scalarCalls(m.scalar(name), args.length === 2 ? [a, b] : [a], a, everywhere))
}

function integerOperation(m: F64, name: OperationName, operand: DType, args: readonly Lanes[]): Lanes {
  const g = m.g
  const shape = shapes[operand] as 'i64x2' | 'i32x4'
  const unsigned = isUnsigned(operand)
  const wrapped = (lanes: Lanes): Lanes => (bytesPer(operand) < 4 ? wrapLanes(g, operand, lanes) : lanes)
  switch (name) {
    case 'add':
    case 'subtract':
    case 'multiply':
      return wrapped(zip(args, (a, b) => g.op(`${shape}.${name === 'add' ? 'add' : name === 'subtract' ? 'sub' : 'mul'}`, a, b)))
    case 'square':
      return wrapped(zip(args, (a) => g.op(`${shape}.mul`, a, a)))
    case 'negative':
      return wrapped(zip(args, (a) => g.op(`${shape}.neg`, a)))
    case 'abs':
      return unsigned ? (args[0] as Lanes) : wrapped(zip(args, (a) => g.op(`${shape}.abs`, a)))
    case 'sign':
      if (operand === 'u64') return zip(args, (a) => g.op('v128.and', g.op('i64x2.ne', a, g.i64(0n)), g.i64(1n)))
      if (unsigned) return zip(args, (a) => g.op('i32x4.min_u', a, g.i32(1)))
      return zip(args, (a) => g.op(`${shape}.sub`, g.op(`${shape}.lt_s`, a, g.i32(0)), g.op(`${shape}.gt_s`, a, g.i32(0))))
    case 'minimum':
    case 'maximum':
      return zip(args, (a, b) => integerExtreme(g, name, operand, a, b))
    case 'bitwiseAnd':
    case 'bitwiseOr':
    case 'bitwiseXor':
      return zip(args, (a, b) => g.op(name === 'bitwiseAnd' ? 'v128.and' : name === 'bitwiseOr' ? 'v128.or' : 'v128.xor', a, b))
    case 'invert':
      return wrapped(zip(args, (a) => g.op('v128.not', a)))
    case 'floorDivide':
    case 'remainder':
      // 64 bits do not fit a double: lane by lane.
      return isBig(operand) ? bigLaneByLane(m, name, operand, args) : integerDivision(m, name, operand, args)
    case 'power':
    case 'leftShift':
    case 'rightShift':
      return isBig(operand) ? bigLaneByLane(m, name, operand, args) : wholeLaneByLane(m, name, operand, args)
    default:
      // floor, ceil, trunc and rint change nothing.
      return args[0] as Lanes
  }
}

/** Whole numbers of 64 bits, which no double holds. */
function bigLaneByLane(m: F64, name: OperationName, operand: DType, args: readonly Lanes[]): Lanes {
  const func = m.scalar(operand === 'u64' ? `${name}.u64` : name, 'i64')
  return zip(args, (a, b) => m.g.scalarCalls(func, [a, b], a, m.g.i32(-1), 'i64'))
}

/** Shorter ones, as doubles; the result is a whole number of 32 bits. */
function wholeLaneByLane(m: F64, name: OperationName, operand: DType, args: readonly Lanes[]): Lanes {
  const wide = args.map((lanes) => convertLanes(m.g, operand, 'f64', lanes))
  return lowBits(m, operand, laneByLane(m, `${name}.whole`, wide))
}

/** The low bits of whole numbers in doubles, taken from the mantissa of 1.5 × 2^52 plus each. */
function lowBits(m: F64, operand: DType, values: Lanes): Lanes {
  return convertLanes(
    m.g,
    'i64',
    operand,
    values.map((x) => m.add(x, c(6755399441055744)) as Vector),
  )
}

export function integerExtreme(g: VectorGraph, name: 'minimum' | 'maximum', operand: DType, a: Vector, b: Vector): Vector {
  const short = name === 'minimum' ? 'min' : 'max'
  if (!isBig(operand)) return g.op(`i32x4.${short}_${operand === 'u32' ? 'u' : 's'}`, a, b)
  const less = operand === 'u64' ? g.op('i64x2.lt_s', turned(g, a), turned(g, b)) : g.op('i64x2.lt_s', a, b)
  return name === 'minimum' ? g.select(less, a, b) : g.select(less, b, a)
}

/** In doubles, which hold 32-bit integers, their quotient's floor and the products exactly; by zero it is 0. */
function integerDivision(m: F64, name: 'floorDivide' | 'remainder', operand: DType, args: readonly Lanes[]): Lanes {
  const g = m.g
  const [a, b] = args.map((lanes) => convertLanes(g, operand, 'f64', lanes)) as [Lanes, Lanes]
  const results = a.map((x, i) => {
    const y = b[i] as Vector
    const quotient = g.op('f64x2.floor', m.div(x, y))
    const result = name === 'floorDivide' ? quotient : m.sub(x, m.mul(quotient, y))
    return m.select(m.eq(y, c(0)), c(0), result)
  })
  // −2^31 / −1 has to wrap around.
  return lowBits(m, operand, results as Lanes)
}
