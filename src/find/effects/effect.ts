/**
 * What running a piece of code may read and write (MOD/REF sets), as places.
 *
 * A place is a text: a root and the path from it, joined by dots.
 *
 * | root | is |
 * |---|---|
 * | `v12` | the variable with that number |
 * | `p0` | the first parameter of the function that a summary describes |
 * | `this` | its receiver |
 * | `global` | something of the global object |
 * | `@fs`, `@net`, `@db`, `@process`, `@console`, `@clock`, `@random` | the world outside |
 *
 * Two places conflict when one is a prefix of the other, because who writes `a` writes `a.b`. `*` is a property that is not known.
 */
import type { Node } from '../source/ast.ts'
import { mayBeEqual } from './pattern.ts'

export type Place = string

export class Effect {
  readonly reads = new Map<Place, Node>()
  readonly writes = new Map<Place, Node>()
  /** Calls of which nobody knows what they do, by how the source names them. */
  readonly unknown = new Map<string, Node>()
  /** Calls that are not known, but whose kind and name say that they change nothing that is shared: never part of a proof. */
  readonly assumed = new Map<string, Node>()
  /** Calls that wait for the outside. */
  readonly waits = new Map<string, Node>()
  /** Why what runs here must keep its place: a lock, a prompt, a transaction. */
  ordered: string | undefined
  /** Where it waits on purpose. */
  pause: Node | undefined
  throws = false

  add(other: Effect): this {
    for (const [place, node] of other.reads) this.read(place, node)
    for (const [place, node] of other.writes) this.write(place, node)
    for (const [name, node] of other.unknown) if (!this.unknown.has(name)) this.unknown.set(name, node)
    for (const [name, node] of other.assumed) if (!this.assumed.has(name)) this.assumed.set(name, node)
    for (const [name, node] of other.waits) if (!this.waits.has(name)) this.waits.set(name, node)
    this.ordered ??= other.ordered
    this.pause ??= other.pause
    this.throws ||= other.throws
    return this
  }

  read(place: Place, node: Node): void {
    if (!this.reads.has(place)) this.reads.set(place, node)
  }

  write(place: Place, node: Node): void {
    if (!this.writes.has(place)) this.writes.set(place, node)
  }

  /** For finding a fixed point: effects only grow. */
  get size(): number {
    return (
      this.reads.size +
      this.writes.size +
      this.unknown.size +
      this.assumed.size +
      this.waits.size +
      (this.ordered ? 1 : 0) +
      (this.pause ? 1 : 0) +
      (this.throws ? 1 : 0)
    )
  }

  /** It must run where it stands. */
  get keepsItsPlace(): boolean {
    return this.ordered !== undefined || this.pause !== undefined
  }

  /** What is written of the world outside. */
  get outsideWrites(): Place[] {
    return [...this.writes.keys()].filter((place) => isOutside(place) && !place.startsWith('@console'))
  }
}

export interface Conflict {
  readonly place: Place
  readonly kind: 'both write' | 'the first writes, the second reads' | 'the first reads, the second writes'
}

/** Where the order of two effects matters; undefined when they are independent. */
export function conflict(first: Effect, second: Effect): Conflict | undefined {
  const found = (a: Iterable<Place>, b: ReadonlyMap<Place, Node>, kind: Conflict['kind']): Conflict | undefined => {
    for (const place of a) {
      for (const other of b.keys()) {
        if (overlap(place, other)) return { place: place.length < other.length ? other : place, kind }
      }
    }
    return undefined
  }
  return (
    found(first.writes.keys(), second.writes, 'both write') ??
    found(first.writes.keys(), second.reads, 'the first writes, the second reads') ??
    found(first.reads.keys(), second.writes, 'the first reads, the second writes')
  )
}

export function overlap(a: Place, b: Place): boolean {
  if (a === b) return true
  const [left, right] = [a.split('.'), b.split('.')]
  const shared = Math.min(left.length, right.length)
  for (let i = 0; i < shared; i++) {
    const [x, y] = [left[i] as string, right[i] as string]
    if (x !== '*' && y !== '*' && !mayBeEqual(x, y)) return false
    // `items.length` is a number: what changes an item, `items.*.done`, changes nothing of it.
    if ((isCount(x) && y === '*' && right.length > i + 1) || (isCount(y) && x === '*' && left.length > i + 1)) return false
  }
  return true
}

function isCount(property: string): boolean {
  return property === 'length' || property === 'size'
}

export function isOutside(place: Place): boolean {
  return place.startsWith('@')
}

export function rootOf(place: Place): string {
  const dot = place.indexOf('.')
  return dot === -1 ? place : place.slice(0, dot)
}

/** Longer paths say no more than their beginning: recursion over lists would make them endless. */
const longestPath = 4

export function below(place: Place, property: string): Place {
  if (place.split('.').length >= longestPath) return place
  return `${place}.${property.replaceAll('.', '·')}`
}

/** A place as far below `base` as `rest` says: `.a.b`, or nothing. */
export function extend(base: Place, rest: string): Place {
  return rest === '' ? base : rest.slice(1).split('.').reduce<Place>(below, base)
}

/** A place of a summary that the caller hands in. */
export function isParameter(place: Place): boolean {
  return /^p\d+(?:\.|$)/.test(place)
}
