/**
 * The reference: evaluates an expression in plain TypeScript, one element after the other, with nothing fused, blocked or
 * clever. Slow, and the meaning that every kernel is tested against. Elementary functions are those of `Math`.
 */
import { readFileSync } from 'node:fs'
import { rawFrom, typedArray } from '../expression/dtype.ts'
import { applyOperation, convert, type Raw } from '../expression/elementwise.ts'
import { interpretAlgorithm } from './interpret-algorithms.reference.ts'
import { randomBlock } from './interpret-random.reference.ts'
import { blockLength } from '../kernel/ir.ts'
import type { Node, ReduceNode } from '../expression/node.ts'
import type { ReduceName } from '../reductions/table.ts'
import { contiguousStrides, type Shape, sizeOf } from '../expression/shape.ts'

/** The elements in C order. */
export type Elements = readonly Raw[]

export function interpret(node: Node): Elements {
  switch (node.kind) {
    case 'full':
      return Array.from({ length: sizeOf(node.shape) }, () => node.value)
    case 'blocks':
      throw new TypeError('what comes block by block has its own tests')
    case 'dense': {
      const data = typedArray(node.dtype, node.buffer)
      return coordinates(node.shape).map((at) => rawFrom(node.dtype, data[node.offset + dot(at, node.strides)] as Raw))
    }
    case 'range':
      return Array.from({ length: sizeOf(node.shape) }, (_, i) => i * node.step + node.start)
    case 'random': {
      const size = sizeOf(node.shape)
      const blocks = Array.from({ length: Math.ceil(size / blockLength) }, (_, block) =>
        randomBlock(node.distribution, node.key, block),
      )
      return blocks.flat().slice(0, size)
    }
    case 'file': {
      const bytes = readFileSync(node.path).subarray(node.offsetBytes)
      const copy = new SharedArrayBuffer(bytes.length)
      new Uint8Array(copy).set(node.bigEndian ? reversed(bytes, node) : bytes)
      return Array.from(typedArray(node.dtype, copy, 0, sizeOf(node.shape)) as Iterable<Raw>, (raw) => rawFrom(node.dtype, raw))
    }
    case 'map': {
      const inputs = node.inputs.map((input, i) => {
        const operand = node.name === 'where' && i === 0 ? 'bool' : node.operand
        const elements = interpret(input).map((value) => convert(input.dtype, operand, value))
        return broadcast(elements, input.shape, node.shape)
      })
      return Array.from({ length: sizeOf(node.shape) }, (_, i) =>
        applyOperation(
          node.name,
          node.operand,
          inputs.map((elements) => elements[i] as Raw),
        ),
      )
    }
    case 'cast':
      return interpret(node.input).map((value) => convert(node.input.dtype, node.dtype, value))
    case 'view': {
      const input = interpret(node.input)
      const strides = contiguousStrides(node.input.shape)
      return coordinates(node.shape).map((at) => {
        const inside = node.view.axes.map(({ start, step, from }) => start + (from < 0 ? 0 : step * (at[from] as number)))
        return input[dot(inside, strides)] as Raw
      })
    }
    case 'reshape':
      return interpret(node.input)
    case 'concat': {
      const parts = node.inputs.map((input) => ({ elements: interpret(input), shape: input.shape }))
      return coordinates(node.shape).map((at) => {
        let index = at[node.axis] as number
        for (const { elements, shape } of parts) {
          if (index < (shape[node.axis] as number))
            return elements[dot(at.with(node.axis, index), contiguousStrides(shape))] as Raw
          index -= shape[node.axis] as number
        }
        throw new RangeError('beyond the last part')
      })
    }
    case 'reduce':
      return interpretReduce(node)
    case 'algorithm':
      return interpretAlgorithm(node, node.inputs.map(interpret))
  }
}

function reversed(bytes: Uint8Array, { dtype, shape }: Node): Uint8Array {
  const width = bytes.length / sizeOf(shape)
  void dtype
  return bytes.map((_, i) => bytes[i - (i % width) + (width - 1 - (i % width))] as number)
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0)

/** All coordinates of a shape, in C order. */
function coordinates(shape: Shape): number[][] {
  return shape.reduce<number[][]>((all, length) => all.flatMap((at) => Array.from({ length }, (_, i) => [...at, i])), [[]])
}

function broadcast(elements: Elements, from: Shape, to: Shape): Elements {
  const lead = to.length - from.length
  const strides = contiguousStrides(from)
  return coordinates(to).map(
    (at) =>
      elements[
        from.reduce((sum, length, axis) => sum + (length === 1 ? 0 : (at[axis + lead] as number) * (strides[axis] as number)), 0)
      ] as Raw,
  )
}

function interpretReduce(node: ReduceNode): Elements {
  const { input, axes } = node
  const elements = interpret(input)
  const groups = new Map<string, Raw[]>()
  const left = (at: readonly number[]): string => at.filter((_, axis) => !axes.includes(axis)).join()
  for (const at of coordinates(node.shape)) groups.set(at.join(), [])
  coordinates(input.shape).forEach((at, i) => groups.get(left(at))?.push(elements[i] as Raw))
  return [...groups.values()].map((group) => convertResult(node, reduceGroup(node, group)))
}

function convertResult(node: ReduceNode, value: Raw): Raw {
  if (typeof value === 'bigint') return value
  return node.dtype === 'f32' ? Math.fround(value) : value
}

function reduceGroup({ rule, input, ddof }: ReduceNode, group: readonly Raw[]): Raw {
  const name = rule.name as ReduceName
  if (typeof group[0] === 'bigint' || (input.dtype === 'i64' && group.length === 0)) {
    const wrapped = reduceBigInts(name, group as readonly bigint[])
    if (wrapped !== undefined) return wrapped
  }
  const values = group.map(Number)
  switch (name) {
    case 'sum':
      return exactSum(values)
    case 'mean':
      return exactSum(values) / values.length
    case 'var':
    case 'std': {
      const mean = exactSum(values) / values.length
      const divisor = Math.max(0, values.length - ddof)
      const variance = exactSum(values.map((x) => (x - mean) ** 2)) / divisor
      return name === 'std' ? Math.sqrt(variance) : variance
    }
    case 'prod':
      return values.reduce((a, b) => a * b, 1)
    case 'min':
      return values.reduce((a, b) => Math.min(a, b))
    case 'max':
      return values.reduce((a, b) => Math.max(a, b))
    case 'any':
      return values.some((x) => x !== 0) ? 1 : 0
    case 'all':
      return values.every((x) => x !== 0) ? 1 : 0
    case 'argmin':
    case 'argmax': {
      const nan = values.findIndex(Number.isNaN)
      return nan >= 0
        ? nan
        : values.indexOf(name === 'argmin' ? values.reduce((a, b) => Math.min(a, b)) : values.reduce((a, b) => Math.max(a, b)))
    }
  }
}

function reduceBigInts(name: ReduceName, group: readonly bigint[]): Raw | undefined {
  const extreme = (less: boolean): bigint => group.reduce((a, b) => (a < b === less ? a : b))
  switch (name) {
    case 'sum':
      return BigInt.asIntN(
        64,
        group.reduce((a, b) => a + b, 0n),
      )
    case 'prod':
      return BigInt.asIntN(
        64,
        group.reduce((a, b) => a * b, 1n),
      )
    case 'min':
    case 'max':
      return extreme(name === 'min')
    case 'argmin':
    case 'argmax':
      return group.indexOf(extreme(name === 'argmin'))
    default:
      return undefined
  }
}

/** Shewchuk's exact partial sums (1997), rounded once; infinities and NaN as plain addition has them. */
export function exactSum(values: readonly number[]): number {
  const plain = values.reduce((a, b) => a + b, 0)
  if (!Number.isFinite(plain)) return plain
  const partials: number[] = []
  for (const value of values) {
    let x = value
    let kept = 0
    for (const y of partials) {
      const [large, small] = Math.abs(x) < Math.abs(y) ? [y, x] : [x, y]
      const high = large + small
      const low = small - (high - large)
      if (low !== 0) partials[kept++] = low
      x = high
    }
    partials.length = kept
    partials.push(x)
  }
  return partials.reduceRight((a, b) => a + b, 0)
}
