/**
 * Finds circles in the wait-for graph. Pure: reads waitables, waits and frames, and changes nothing.
 *
 * A counting resource makes the graph an AND-OR graph, in which a plain circle is not yet a deadlock: somebody outside it may
 * give a slot back. So this follows the reduction of Holt, "Some Deadlock Properties of Computer Systems" (1972): assume
 * that everything that is waited for is stuck; whatever could be served if all frames that can still run gave back
 * all that they hold is not; repeat until nothing changes. The rest can never go on, and a circle in it is named.
 *
 * A frame can run unless all of its open waits are stuck, all of its open children cannot run, and its own code awaits at
 * least one of them as far as is known. The root frame can always run, because unrelated code shares it.
 *
 * All of it takes time in proportion to the waits, the holds, and how deep the frames lie: programs have thousands of each.
 */
import { type Circle, circlesIn, type Link } from './cycles.ts'
import { type Awaited, type Frame, rootFrame } from './frame.ts'
import { Ring } from './ring.ts'
import type { Hold, Wait, Waitable } from './wait.ts'

export type { Circle }

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

/** Takes everything out of `stuck` that can go on; gives the frames that cannot. Looks again only at what a frame held that turned out able to run. */
function reduce(stuck: Set<Waitable>, evidence: Evidence): Blocked {
  const blocked = new Blocked(stuck, evidence)
  // One with many holders is looked at when nothing else is left to look at: each of them may turn out able to run.
  const [few, many] = [new Ring<Waitable>(), new Ring<Waitable>()]
  const queued = new Set<Waitable>()
  const look = (waitable: Waitable): void => {
    if (!stuck.has(waitable) || queued.has(waitable)) return
    queued.add(waitable)
    ;(blocked.holdersOf(waitable) > fewHolders ? many : few).push(waitable)
  }
  for (const waitable of stuck) look(waitable)
  while (few.size + many.size > 0) {
    const waitable = few.size > 0 ? few.shift() : many.shift()
    queued.delete(waitable)
    if (!blocked.passable(waitable)) continue
    stuck.delete(waitable)
    for (const frame of blocked.passes(waitable)) for (const held of blocked.heldBy(frame)) look(held)
  }
  return blocked
}

/** Chosen. */
const fewHolders = 64

/** The stuck waits that a frame awaits, as far as is known, also through frames below it. */
interface Awaiting {
  readonly on: Map<Waitable, Wait<never>[]>
  /** How many of them it awaits beside other promises. */
  amongOthers: number
}

/** The frames that cannot run as long as nothing in `stuck` is served. */
class Blocked {
  readonly #evidence: Evidence
  /** How many stuck waits code of the frame has. */
  readonly #stuckWaits = new Map<Frame, number>()
  readonly #blockedChildren = new Map<Frame, number>()
  readonly #awaits = new Map<Frame, Awaiting>()
  readonly #frames = new Set<Frame>()
  readonly #held = new Map<Frame, Waitable[]>()
  readonly #holders = new Map<Waitable, number>()

  constructor(stuck: Iterable<Waitable>, evidence: Evidence) {
    this.#evidence = evidence
    for (const waitable of stuck) {
      this.#noteHolders(waitable)
      for (const wait of waitable.waits) {
        if (!evidence.counts(wait)) continue
        this.#stuckWaits.set(wait.frame, (this.#stuckWaits.get(wait.frame) ?? 0) + 1)
        this.#noteAwaits(wait)
      }
    }
    for (const frame of this.#stuckWaits.keys()) this.#visit(frame)
  }

  holdersOf(waitable: Waitable): number {
    return this.#holders.get(waitable) ?? 0
  }

  heldBy(frame: Frame): readonly Waitable[] {
    return this.#held.get(frame) ?? []
  }

  #noteHolders(waitable: Waitable): void {
    const frames = new Set<Frame>()
    for (const { frame } of waitable.holds()) frames.add(frame)
    for (const frame of frames) {
      const held = this.#held.get(frame)
      if (held) held.push(waitable)
      else this.#held.set(frame, [waitable])
    }
    this.#holders.set(waitable, frames.size)
  }

  #noteAwaits(wait: Wait<never>): void {
    for (const { frame, amongOthers } of this.#trail(wait)) {
      let awaiting = this.#awaits.get(frame)
      if (!awaiting) this.#awaits.set(frame, (awaiting = { on: new Map(), amongOthers: 0 }))
      const same = awaiting.on.get(wait.on)
      if (same) same.push(wait)
      else awaiting.on.set(wait.on, [wait])
      if (amongOthers) awaiting.amongOthers++
    }
  }

  /** The frames that await the wait, from its own up; and whether beside other promises. */
  *#trail(wait: Wait<never>): Generator<{ readonly frame: Frame; readonly amongOthers: boolean }> {
    const among = new Set(wait.amongOthersBy)
    let trail: Awaited = wait
    for (let frame: Frame | undefined = wait.frame; frame && frame !== trail.notBy; frame = frame.parent) {
      yield { frame, amongOthers: among.has(frame) }
      if (frame.loose && frame.parent?.body !== undefined && !this.#evidence.showsAwaits) return
      if (!frame.joint) continue
      trail = frame.joint
      for (const other of trail.amongOthersBy) among.add(other)
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

  /** The waitable is stuck no more. Gives the frames that can run because of that. */
  passes(waitable: Waitable): Frame[] {
    const free: Frame[] = []
    for (const wait of waitable.waits) {
      if (!this.#evidence.counts(wait)) continue
      this.#stuckWaits.set(wait.frame, (this.#stuckWaits.get(wait.frame) ?? 0) - 1)
      this.#unblock(wait.frame, free)
      for (const { frame, amongOthers } of this.#trail(wait)) {
        const awaiting = this.#awaits.get(frame)
        if (!awaiting) continue
        awaiting.on.delete(waitable)
        if (amongOthers) awaiting.amongOthers--
        if (awaiting.on.size > 0) continue
        this.#awaits.delete(frame)
        this.#unblock(frame, free)
      }
    }
    return free
  }

  /** The frame can run, and so can those above it that waited for it to be blocked. */
  #unblock(frame: Frame, free: Frame[]): void {
    for (let at: Frame | undefined = frame; at && this.#frames.delete(at); at = at.parent) {
      free.push(at)
      if (at.parent) this.#blockedChildren.set(at.parent, (this.#blockedChildren.get(at.parent) ?? 0) - 1)
    }
  }

  passable(waitable: Waitable): boolean {
    const kept = this.#keeping(waitable)
    return waitable.passable((hold) => !kept(hold))
  }

  /**
   * Whether a holder of the waitable never gives back what it holds. A lease that some code of the frame took has the benefit of the doubt
   * where other code of the same frame may be the one that waits: for the same waitable, or beside other promises.
   */
  #keeping(waitable: Waitable): (hold: Hold) => boolean {
    // One frame may have thousands of leases, and thousands of waits.
    const doubts = new Map<Frame, boolean>()
    return ({ frame, inside }) => {
      const awaiting = this.#frames.has(frame) ? this.#awaits.get(frame) : undefined
      if (!awaiting) return false
      if (inside) return true
      let doubtful = doubts.get(frame)
      if (doubtful === undefined) {
        const same = awaiting.on.get(waitable) ?? []
        doubtful = awaiting.amongOthers > 0 || same.some((wait) => sameFlows(wait.frame, frame))
        doubts.set(frame, doubtful)
      }
      return !doubtful
    }
  }

  /** One hold of each frame that never gives back what it holds of the waitable. */
  *keepers(held: Waitable): Generator<Hold> {
    const kept = this.#keeping(held)
    const seen = new Set<Frame>()
    for (const hold of held.holds()) {
      if (seen.has(hold.frame) || !kept(hold)) continue
      seen.add(hold.frame)
      yield hold
    }
  }

  /** The first wait for each waitable that the frame awaits. */
  *waitsOf(frame: Frame): Generator<Wait<never>> {
    for (const [wait] of this.#awaits.get(frame)?.on.values() ?? []) if (wait) yield wait
  }
}

/** Whether no run lies between the frames, so that they differ only in flows started by hand. */
function sameFlows(below: Frame, above: Frame): boolean {
  let frame: Frame | undefined = below
  while (frame && frame !== above && frame.run === above.run) frame = frame.parent
  return frame === above
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
