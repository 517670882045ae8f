/** Elements as NumPy prints them: in brackets, aligned, and of large arrays the edges only. */
import { type DType, isFloat, typedArray, type Value, valueOf } from '../expression/dtype.ts'
import type { DenseNode } from '../expression/node.ts'
import { sizeOf } from '../expression/shape.ts'

/** NumPy's: above this many elements only the edges show. */
const threshold = 1_000
const edge = 3
/** NumPy's digits behind the first one. */
const precision = 8
const mostRows = 100

/** @returns lines of rows, with `...` for what is left out */
export function printElements(node: DenseNode): string {
  const data = typedArray(node.dtype, node.buffer)
  const whole = sizeOf(node.shape) <= threshold
  const shown = (length: number): (number | undefined)[] =>
    whole || length <= 2 * edge
      ? Array.from({ length }, (_, i) => i)
      : [...Array.from({ length: edge }, (_, i) => i), undefined, ...Array.from({ length: edge }, (_, i) => length - edge + i)]
  const axes = node.shape.map(shown)
  const texts: string[] = []
  const collect = (axis: number, offset: number): void => {
    if (axis === axes.length) {
      texts.push(show(valueOf(node.dtype, data[offset] as number | bigint), node.dtype))
      return
    }
    for (const i of axes[axis] as (number | undefined)[])
      if (i !== undefined) collect(axis + 1, offset + i * (node.strides[axis] as number))
  }
  collect(0, node.offset)
  if (isFloat(node.dtype)) alignPoints(texts)
  const width = Math.max(0, ...texts.map((text) => text.length))
  let next = 0
  const print = (axis: number, indent: number): string => {
    if (axis === axes.length) return (texts[next++] as string).padStart(width)
    const parts = (axes[axis] as (number | undefined)[]).map((i) => (i === undefined ? '...' : print(axis + 1, indent + 1)))
    const inner = axes.length - axis
    const separator = inner === 1 ? ' ' : `${'\n'.repeat(inner - 1)}${' '.repeat(indent + 1)}`
    return `[${parts.join(separator)}]`
  }
  const lines = print(0, 0).split('\n')
  return lines.length <= mostRows
    ? lines.join('\n')
    : [...lines.slice(0, mostRows / 2), '...', ...lines.slice(-mostRows / 2)].join('\n')
}

/** Puts the points of floats below one another. */
function alignPoints(texts: string[]): void {
  const places = texts.map((text) => (text.includes('e') || !text.includes('.') ? -1 : text.length - text.indexOf('.')))
  const most = Math.max(-1, ...places)
  places.forEach((place, i) => {
    if (place >= 0) texts[i] = (texts[i] as string).padEnd((texts[i] as string).length + most - place)
  })
}

function show(value: Value, dtype: DType): string {
  if (typeof value !== 'number' || !isFloat(dtype)) return String(value)
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e16 || size < 1e-4))
    return value.toExponential(undefined).length <= 14 ? value.toExponential() : value.toExponential(precision)
  const rounded = Number(value.toFixed(precision))
  const text = String(Object.is(rounded, -0) ? '-0' : rounded)
  return text.includes('.') || text.includes('e') ? text : `${text}.`
}
