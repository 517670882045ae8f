/** The reference for operations with an algorithm of their own. */
import { checkEdges } from '../expression/edges.ts'
import type { Raw } from '../expression/elementwise.ts'
import type { AlgorithmNode, Node } from '../expression/node.ts'

export function interpretAlgorithm(node: AlgorithmNode, inputs: readonly (readonly Raw[])[]): readonly Raw[] {
  const [values, second] = inputs as [readonly Raw[], readonly Raw[]]
  switch (node.name) {
    case 'bounds':
      return checkEdges(...extremes(values as readonly number[]), node.attributes['bins'] as number)
    case 'compress':
      return values.filter((_, i) => second[i] !== 0)
    case 'bincount':
    case 'assign':
    case 'windows':
      throw new TypeError(`${node.name} is compared with NumPy`)
    case 'cumsum':
      return cumsum(node, values)
    case 'histogram':
      return Array.from({ length: node.attributes['bins'] as number }, (_, bin) => values.filter((v) => v === bin).length)
    case 'quantile':
      return (node.attributes['q'] as readonly number[]).map((q) => quantile(values as readonly number[], q))
    case 'topk': {
      const k = node.attributes['k'] as number
      const sorted =
        node.dtype === 'i64'
          ? BigInt64Array.from(values as unknown as readonly bigint[]).sort()
          : Float64Array.from(values as readonly number[]).sort()
      return k > 0 ? [...sorted.reverse().subarray(0, k)] : [...sorted.subarray(0, -k)]
    }
    case 'unique': {
      const distinct = [...new Set(values.map((v) => (v === 0 ? 0 : v)))]
      return distinct.sort((a, b) => (Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a < b ? -1 : 1))
    }
    case 'factor':
      throw new TypeError('factorizations have their own tests')
    case 'gather':
      return second.map((at) => values[Number(at)] as Raw)
    case 'scatter': {
      const result = [...values]
      second.forEach((at, i) => (result[Number(at)] = inputs[2]?.[i] as Raw))
      return result
    }
    case 'search':
      return second.map((value) => {
        const behind = node.attributes['behind'] === 1
        const at = values.findIndex((there) => (behind ? stands(value, there) < 0 : stands(value, there) <= 0))
        return at < 0 ? values.length : at
      })
    case 'sort':
    case 'partition':
      return rowsOf(node, values).flatMap((row) => row.toSorted(stands))
    case 'argsort':
      return rowsOf(node, values).flatMap((row) => [...row.keys()].sort((a, b) => stands(row[a] as Raw, row[b] as Raw) || a - b))
    case 'rowQuantile':
      return (node.attributes['q'] as readonly number[]).flatMap((q) =>
        rowsOf(node, values).map((row) => {
          const kept = node.attributes['leaveOut'] === 1 ? row.filter((value) => !Number.isNaN(value)) : row
          return quantile(kept as readonly number[], q)
        }),
      )
    case 'product': {
      const [, columns] = node.shape as [number, number]
      const inner = (node.inputs[0] as Node).shape[1] as number
      return Array.from({ length: node.shape.reduce((a, b) => a * b) }, (_, at) => {
        let sum = 0
        const row = Math.floor(at / columns)
        for (let k = 0; k < inner; k++) sum += Number(values[row * inner + k]) * Number(second[k * columns + (at % columns)])
        return sum
      })
    }
  }
}

/** NaN stands behind everything. */
const stands = (a: Raw, b: Raw): number =>
  Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(a)) - Number(Number.isNaN(b)) : a < b ? -1 : Number(a > b)

function rowsOf(node: AlgorithmNode, values: readonly Raw[]): Raw[][] {
  const length = (node.inputs[0] as Node).shape.at(-1) as number
  return Array.from({ length: values.length / length }, (_, row) => values.slice(row * length, (row + 1) * length))
}

const extremes = (values: readonly number[]): [number, number] =>
  values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)]

function cumsum(node: AlgorithmNode, values: readonly Raw[]): Raw[] {
  const rowLength = (node.inputs[0] as Node).shape.at(-1) as number
  let sum: Raw = node.dtype === 'i64' ? 0n : 0
  return values.map((value, i) => {
    if (i % rowLength === 0) sum = node.dtype === 'i64' ? 0n : 0
    sum = typeof value === 'bigint' ? BigInt.asIntN(64, (sum as bigint) + value) : (sum as number) + value
    return node.dtype === 'f32' ? Math.fround(sum as number) : sum
  })
}

function quantile(values: readonly number[], q: number): number {
  if (values.length === 0 || values.some(Number.isNaN)) return Number.NaN
  const sorted = values.toSorted((a, b) => a - b)
  const place = q * (values.length - 1)
  const [a, b] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number]
  const weight = place - Math.floor(place)
  if (a === b || weight === 0) return a
  return weight < 0.5 ? a + (b - a) * weight : b - (b - a) * (1 - weight)
}
