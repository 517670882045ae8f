/** Numbers that match a JSON Schema. */
import { sentimentOf } from './language.ts'
import type { JsonSchemaObject } from './request.ts'

/** A span that is wider than this is not a range that anybody meant: generators write the bounds of 64 bits. */
const widest = 1e9

export function numberOf(schema: JsonSchemaObject, name: string, text: string, draw: () => number, whole = false): number {
  const step = Math.abs(finite(schema.multipleOf) ?? 0) || (whole ? 1 : 0)
  const [low, high] = boundsOf(schema, step)
  const place = /score|sentiment|rating/.test(name) ? { negative: 0.2, neutral: 0.5, positive: 0.8 }[sentimentOf(text)] : draw()
  const found = low + (high - low) * place
  if (step === 0) return inside(Number(found.toFixed(3)), low, high, found)
  const steps = Math.round(found / step)
  // To the nearest step that lies within.
  const near = [steps, Math.ceil(low / step), Math.floor(high / step)].map((count) => Number((count * step).toPrecision(15)))
  return near.find((value) => value >= low && value <= high) ?? (near[0] as number)
}

function boundsOf(schema: JsonSchemaObject, step: number): readonly [low: number, high: number] {
  const gap = step || 1e-3
  const least = max(finite(schema.minimum), plus(finite(schema.exclusiveMinimum), gap))
  const most = min(finite(schema.maximum), plus(finite(schema.exclusiveMaximum), -gap))
  if (least !== undefined && most !== undefined && most - least > widest)
    return [Math.max(0, least), Math.min(Math.max(0, least) + 100, most)]
  if (least === undefined && most === undefined) return [0, Math.max(1, step)]
  if (least === undefined) return [Math.min(0, (most as number) - 1), most as number]
  if (most === undefined) return [least, Math.max(least + Math.max(1, step), 1)]
  // A gap that is larger than the range: the middle of it.
  return least <= most ? [least, most] : [(least + most) / 2, (least + most) / 2]
}

function inside(rounded: number, low: number, high: number, exact: number): number {
  return rounded >= low && rounded <= high ? rounded : exact
}

function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function plus(value: number | undefined, more: number): number | undefined {
  return value === undefined ? undefined : value + more
}

function max(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.max(a, b)
}

function min(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b)
}
