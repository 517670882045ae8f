/** The operators of streams on plain arrays: what the property tests compare with. */
import fc from 'fast-check'

/** The failure that a test asked for. */
export class Planted extends Error {}

export const steps = fc.record({
  op: fc.constantFrom('map', 'filter', 'flatMap', 'take', 'drop', 'batch', 'batch by cost', 'window', 'by'),
  n: fc.nat(9),
  /** Whether the function answers later. */
  later: fc.boolean(),
  /** The item at which the function fails, where it calls one. */
  fails: fc.option(fc.nat(200), { nil: undefined, freq: 8 }),
})
export type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never

/** What has come so far, and whether a failure comes next. */
export interface Model {
  readonly items: readonly number[]
  readonly failed: boolean
}

interface StepModel {
  readonly one: (x: number) => number
  readonly keeps: (x: number) => boolean
  readonly many: (x: number) => number[]
  readonly joined: (items: readonly number[]) => number
  readonly all: (before: Model) => Model
}

export function modelOf(step: Step): StepModel {
  const check = (x: number): number => {
    if (x === step.fails) throw new Planted(`at ${x}`)
    return x
  }
  const one = (x: number): number => check(x) * 3 + 1
  const keeps = (x: number): boolean => check(x) % 3 !== 0
  const many = (x: number): number[] => Array.from({ length: check(x) % 4 }, (_, i) => x + i)
  const joined = (items: readonly number[]): number => items.reduce((sum, x) => (sum * 3 + x) % 1_000, items.length)
  return { one, keeps, many, joined, all: (before) => all(step, before, { one, keeps, many, joined }) }
}

function all(step: Step, { items, failed }: Model, { one, keeps, many, joined }: Omit<StepModel, 'all'>): Model {
  switch (step.op) {
    case 'take':
      return items.length >= step.n ? { items: items.slice(0, step.n), failed: false } : { items, failed }
    case 'drop':
      return { items: items.slice(step.n), failed }
    case 'batch':
      return { items: groups(items, step.n + 1, () => 1, failed).map(joined), failed }
    case 'batch by cost':
      return { items: groups(items, step.n + 3, (x) => (Math.abs(x) % 4) + 1, failed).map(joined), failed }
    case 'window':
      return { items: windows(items, step.n + 1, Math.ceil((step.n + 1) / 2), failed).map(joined), failed }
    case 'map':
    case 'by':
      return each(items, failed, (x) => [one(x)])
    case 'filter':
      return each(items, failed, (x) => (keeps(x) ? [x] : []))
    case 'flatMap':
      return each(items, failed, many)
  }
}

function each(items: readonly number[], failed: boolean, fn: (x: number) => readonly number[]): Model {
  const results: number[] = []
  for (const item of items) {
    try {
      results.push(...fn(item))
    } catch {
      return { items: results, failed: true }
    }
  }
  return { items: results, failed }
}

/** Without the last, incomplete one when a failure comes instead of the end. */
function groups(items: readonly number[], size: number, cost: (x: number) => number, failed: boolean): number[][] {
  const done: number[][] = []
  let open: number[] = []
  let sum = 0
  for (const item of items) {
    if (open.length > 0 && sum + cost(item) > size) {
      done.push(open)
      open = []
      sum = 0
    }
    open.push(item)
    sum += cost(item)
    if (sum < size) continue
    done.push(open)
    open = []
    sum = 0
  }
  return open.length === 0 || failed ? done : [...done, open]
}

function windows(items: readonly number[], size: number, step: number, failed: boolean): number[][] {
  const done: number[][] = []
  let from = 0
  for (; from + size <= items.length; from += step) done.push(items.slice(from, from + size))
  // Whatever no window has had comes in a last one.
  const had = from === 0 ? 0 : from - step + size
  return had < items.length && !failed ? [...done, items.slice(from)] : done
}

/** What the terminal gives for the model; `'fails'` when it must fail. */
export function end({ items, failed }: Model, terminal: string): unknown {
  const decides = (x: number): boolean => x % 5 === 4
  const found = items.find(decides)
  switch (terminal) {
    case 'some':
      return found !== undefined ? true : failed ? 'fails' : false
    case 'every':
      return found !== undefined ? false : failed ? 'fails' : true
    case 'find':
      return found ?? (failed ? 'fails' : undefined)
    case 'for await':
      return items.length >= 7 ? items.slice(0, 7) : failed ? 'fails' : items
    case 'reduce':
      return failed ? 'fails' : items.reduce((sum, x) => sum * 2 + x, 0)
    case 'tee':
      return failed ? 'fails' : [items, items.slice(0, 2), items.reduce((sum, x) => sum + x, 0)]
    default:
      return failed ? 'fails' : items
  }
}
