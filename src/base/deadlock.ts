/**
 * Finds circles in the wait-for graph. Pure: reads waitables, waits and frames, and changes nothing.
 *
 * A counting resource makes the graph an AND-OR graph, in which a plain circle is no deadlock yet: somebody outside it may
 * give a slot back. So this follows the reduction of Holt, "Some Deadlock Properties of Computer Systems" (1972): assume
 * that everything that is waited for is stuck; whatever could be served if all frames that can still run gave back
 * all that they hold is not; repeat until nothing changes. What is left can never go on, and a circle in it is named.
 *
 * A frame can run unless all of its open waits are stuck, all of its open children cannot run, and its own code awaits at
 * least one of them as far as is known. The root frame can always run, because unrelated code shares it.
 */
import { type Awaited, type Frame, rootFrame } from './frame.ts'
import type { Hold, Wait, Waitable } from './wait.ts'

/** `hold` is a hold on `held`; its frame, or one below it, has `wait`, which is on the next link's `held`. */
export interface Link {
  readonly held: Waitable
  readonly hold: Hold
  readonly wait: Wait<never>
}

export type Circle = readonly Link[]

export interface Evidence {
  /** Whether a wait is old enough to be taken into account. */
  counts(wait: Wait<never>): boolean
  /** Whether the engine shows who awaits; without that, frames are not taken as waiting for what they started loosely. */
  readonly showsAwaits: boolean
}

/** Circles that have no waitable in common; each passes through at least one exclusive waitable. */
export function findCircles(waitables: Iterable<Waitable>, evidence: Evidence): Circle[] {
  const stuck = new Set<Waitable>()
  for (const waitable of waitables) {
    for (const hold of waitable.holds()) {
      if (!idle(hold.frame)) stuck.add(waitable)
    }
  }
  if (stuck.size === 0) return []
  const blocked = reduce(stuck, evidence)
  return circlesIn(stuck, blocked)
}

/** Nothing that we know of holds the frame up: the common case, seen without a search. */
function idle(frame: Frame): boolean {
  return frame === rootFrame || (frame.waits === 0 && frame.children === 0)
}

/** Takes everything out of `stuck` that can go on; gives the frames that cannot. */
function reduce(stuck: Set<Waitable>, evidence: Evidence): Blocked {
  while (true) {
    const blocked = new Blocked(stuck, evidence)
    const before = stuck.size
    for (const waitable of stuck) {
      if (waitable.passable((hold) => blocked.keeping(waitable, hold).length === 0)) stuck.delete(waitable)
    }
    if (stuck.size === before) return blocked
  }
}

/** The frames that cannot run as long as nothing in `stuck` is served. */
class Blocked {
  /** How many stuck waits code of the frame has. */
  readonly #stuckWaits = new Map<Frame, number>()
  readonly #blockedChildren = new Map<Frame, number>()
  /** The stuck waits that the frame awaits, as far as is known, also through frames below it. */
  readonly #awaits = new Map<Frame, Wait<never>[]>()
  readonly #frames = new Set<Frame>()

  constructor(stuck: Iterable<Waitable>, evidence: Evidence) {
    for (const waitable of stuck) {
      for (const wait of waitable.waits) {
        if (!evidence.counts(wait)) continue
        this.#stuckWaits.set(wait.frame, (this.#stuckWaits.get(wait.frame) ?? 0) + 1)
        this.#noteAwaits(wait, evidence.showsAwaits)
      }
    }
    for (const frame of this.#stuckWaits.keys()) this.#visit(frame)
  }

  #noteAwaits(wait: Wait<never>, showsAwaits: boolean): void {
    let trail: Awaited = wait
    for (let frame: Frame | undefined = wait.frame; frame && frame !== trail.notBy; frame = frame.parent) {
      const waits = this.#awaits.get(frame)
      if (waits) waits.push(wait)
      else this.#awaits.set(frame, [wait])
      if (frame.loose && frame.parent?.body !== undefined && !showsAwaits) return
      if (frame.joint) trail = frame.joint
    }
  }

  /** Marks the frame, and those above it that wait for nothing but blocked ones. */
  #visit(frame: Frame): void {
    for (let at: Frame | undefined = frame; at && !this.#frames.has(at) && this.#cannotRun(at); at = at.parent) {
      this.#frames.add(at)
      if (at.parent) this.#blockedChildren.set(at.parent, (this.#blockedChildren.get(at.parent) ?? 0) + 1)
    }
  }

  #cannotRun(frame: Frame): boolean {
    if (frame === rootFrame || !this.#awaits.has(frame)) return false
    return (this.#stuckWaits.get(frame) ?? 0) === frame.waits && (this.#blockedChildren.get(frame) ?? 0) === frame.children
  }

  /**
   * The waits because of which the holder never gives back what it holds; none when it may. A lease that some code of the
   * frame took has the benefit of the doubt where other code of the same frame may be the one that waits: for the same
   * waitable, or beside other promises.
   */
  keeping(waitable: Waitable, hold: Hold): readonly Wait<never>[] {
    const waits = this.#frames.has(hold.frame) ? (this.#awaits.get(hold.frame) ?? []) : []
    if (hold.inside) return waits
    const doubtful = (wait: Wait<never>): boolean =>
      (wait.on === waitable && sameFlows(wait.frame, hold.frame)) || awaitsAmongOthers(hold.frame, wait)
    return waits.some(doubtful) ? [] : waits
  }
}

/** Whether no run lies between the frames, so that only flows started by hand tell them apart. */
function sameFlows(below: Frame, above: Frame): boolean {
  let frame: Frame | undefined = below
  while (frame && frame !== above && frame.run === above.run) frame = frame.parent
  return frame === above
}

function awaitsAmongOthers(frame: Frame, wait: Wait<never>): boolean {
  if (wait.amongOthersBy.includes(frame)) return true
  for (let at: Frame | undefined = wait.frame; at && at !== frame; at = at.parent) {
    if (at.joint?.amongOthersBy.includes(frame)) return true
  }
  return false
}

function circlesIn(stuck: ReadonlySet<Waitable>, blocked: Blocked): Circle[] {
  const circles: Circle[] = []
  const used = new Set<Waitable>()
  for (const start of stuck) {
    if (!start.exclusive || used.has(start)) continue
    const circle = shortestCircle(start, stuck, (waitable) => linksFrom(waitable, blocked))
    if (!circle || circle.some((link) => used.has(link.held))) continue
    for (const link of circle) used.add(link.held)
    circles.push(circle)
  }
  return circles
}

function* linksFrom(held: Waitable, blocked: Blocked): Generator<Link> {
  for (const hold of held.holds()) {
    for (const wait of blocked.keeping(held, hold)) yield { held, hold, wait }
  }
}

/** Breadth first, from `start` back to itself. */
function shortestCircle(
  start: Waitable,
  stuck: ReadonlySet<Waitable>,
  linksOf: (waitable: Waitable) => Iterable<Link>,
): Circle | undefined {
  const reachedBy = new Map<Waitable, Link>()
  const queue: Waitable[] = [start]
  for (let at = queue.shift(); at; at = queue.shift()) {
    for (const link of linksOf(at)) {
      const next = link.wait.on
      if (!stuck.has(next) || reachedBy.has(next)) continue
      reachedBy.set(next, link)
      if (next === start) return unwind(start, reachedBy)
      queue.push(next)
    }
  }
  return undefined
}

function unwind(start: Waitable, reachedBy: ReadonlyMap<Waitable, Link>): Circle {
  const circle: Link[] = []
  for (let at = reachedBy.get(start); at; at = at.held === start ? undefined : reachedBy.get(at.held)) circle.unshift(at)
  return circle
}

/** `task "a" holds "orders" and waits for "stock"; task "b" holds "stock" and waits for "orders"`. */
export function describeCircle(circle: Circle): string {
  const shown = circle.slice(0, linksShown).map(describeLink)
  if (circle.length > linksShown) shown.push(`and ${circle.length - linksShown} more`)
  return shown.join('; ')
}

/** Longer circles are cut in messages; chosen so that a message stays readable. */
const linksShown = 12

function describeLink({ held, hold, wait }: Link): string {
  const holder = hold.frame.label()
  const wanted = wait.on === held ? `${held.label()} again` : wait.on.label()
  const waiter = wait.frame.label()
  const through = wait.frame === hold.frame || waiter === holder ? '' : `${waiter}, which waits for `
  return `${holder} ${held.holding()} and waits for ${through}${wanted}`
}
