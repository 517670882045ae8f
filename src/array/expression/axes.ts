/** Axes as people name them: by number, from the end when negative; one or a list of them. */
import { describe, InvalidOption } from '../../base/errors.ts'
import type { Rule } from '../../base/options.ts'

// A hole of a list counts as `undefined`, which `every` of the list itself would pass over.
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? [...(value as readonly unknown[])] : [value])

/** An option that is one axis. */
export const axisRule: Rule = { expected: 'a whole number', accepts: Number.isInteger }
/** An option that is an axis or a list of them. */
export const axesRule: Rule = {
  expected: 'a whole number, or a list of them',
  accepts: (value) => listOf(value).every(Number.isInteger),
}

/** Counted from 0. @throws {InvalidOption} when an array of this many axes has no such one. */
export function normalizeAxis(axis: unknown, rank: number): number {
  if (Number.isInteger(axis) && (axis as number) >= -rank && (axis as number) < rank)
    return (axis as number) < 0 ? (axis as number) + rank : (axis as number)
  throw new InvalidOption(
    rank === 0
      ? `Expected no \`axis\` for an array of shape (), got ${describe(axis)}`
      : `Expected \`axis\` to be a whole number from ${-rank} to ${rank - 1}, got ${describe(axis)}`,
  )
}

/** One axis or several, in the order in which they are named; the same one may come again. @throws {InvalidOption} when there is no such one */
export function namedAxes(axes: unknown, rank: number): number[] {
  return listOf(axes).map((axis) => normalizeAxis(axis, rank))
}

/** As {@link namedAxes}. @throws {InvalidOption} also when one is named twice */
export function listAxes(axes: unknown, rank: number): number[] {
  const list = namedAxes(axes, rank)
  if (new Set(list).size < list.length)
    throw new InvalidOption(`Expected \`axis\` to name each axis once, got [${list.join(', ')}]`)
  return list
}

/** One axis or several in ascending order; all of them when none are given. @throws {InvalidOption} as {@link listAxes} does */
export function normalizeAxes(axes: unknown, rank: number): readonly number[] {
  return axes === undefined ? Array.from({ length: rank }, (_, i) => i) : listAxes(axes, rank).sort((a, b) => a - b)
}
