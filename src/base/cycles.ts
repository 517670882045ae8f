/** Circles among waitables of which none can go on. Pure. */
import type { Frame } from './frame.ts'
import { Ring } from './ring.ts'
import type { Hold, Wait, Waitable } from './wait.ts'

/** `hold` is a hold on `held`; its frame, or one below it, has `wait`, which is on the next link's `held`. */
export interface Link {
  readonly held: Waitable
  readonly hold: Hold
  readonly wait: Wait<never>
}

export type Circle = readonly Link[]

/**
 * Holders, waiters, and what lies between. Frames are nodes of their own between waitables: one frame may have thousands of leases and thousands
 * of waits, and then the pairs of them would be millions of edges.
 */
export interface Keeping {
  /** One hold of each frame that never gives back what it holds of the waitable. */
  keepers(held: Waitable): Iterable<Hold>
  /** One wait for each waitable that the frame awaits. */
  waitsOf(frame: Frame): Iterable<Wait<never>>
}

/** Chosen, so that a search for one circle more costs no more than finding what hangs together. */
const stepsPerNode = 32

/**
 * Circles that have no waitable in common, each through at least one exclusive waitable: one at least of all that hang together, and more
 * of them while that costs little. Ending one changes the others, and the next look finds those.
 */
export function circlesIn(stuck: ReadonlySet<Waitable>, keeping: Keeping): Circle[] {
  const circles: Circle[] = []
  for (const component of componentsOf(stuck, keeping)) {
    const used = new Set<Waitable>()
    let steps = 0
    for (const start of component) {
      if (!start.exclusive || used.has(start)) continue
      const search = new ShortestCircle(start, component, keeping)
      const circle = search.find()
      if (circle && !circle.some((link) => used.has(link.held))) {
        for (const link of circle) used.add(link.held)
        circles.push(circle)
      }
      steps += search.steps
      if (steps > stepsPerNode * component.size) break
    }
  }
  return circles
}

/** Breadth first, from `start` back to itself, within a component. */
class ShortestCircle {
  steps = 0
  readonly #start: Waitable
  readonly #within: ReadonlySet<Waitable>
  readonly #keeping: Keeping

  constructor(start: Waitable, within: ReadonlySet<Waitable>, keeping: Keeping) {
    this.#start = start
    this.#within = within
    this.#keeping = keeping
  }

  find(): Circle | undefined {
    const reachedBy = new Map<Waitable, Link>()
    const seen = new Set<Frame>()
    const queue = new Ring<Waitable>()
    queue.push(this.#start)
    while (queue.size > 0) {
      for (const link of this.#linksFrom(queue.shift(), seen)) {
        this.steps++
        const next = link.wait.on
        if (!this.#within.has(next) || reachedBy.has(next)) continue
        reachedBy.set(next, link)
        if (next === this.#start) return this.#unwind(reachedBy)
        queue.push(next)
      }
    }
    return undefined
  }

  *#linksFrom(held: Waitable, seen: Set<Frame>): Generator<Link> {
    for (const hold of this.#keeping.keepers(held)) {
      // Where the frame leads is known already.
      if (seen.has(hold.frame)) continue
      seen.add(hold.frame)
      for (const wait of this.#keeping.waitsOf(hold.frame)) yield { held, hold, wait }
    }
  }

  #unwind(reachedBy: ReadonlyMap<Waitable, Link>): Circle {
    const circle: Link[] = []
    for (let at = reachedBy.get(this.#start); at; at = at.held === this.#start ? undefined : reachedBy.get(at.held))
      circle.push(at)
    return circle.reverse()
  }
}

type Node = Waitable | Frame

/** A node that is being visited, and where its edges have not been followed yet. */
interface Visit {
  readonly node: Node
  readonly number: number
  /** The oldest open node that can be reached from it, by number. */
  low: number
  readonly next: Iterator<Node>
}

/**
 * Waitables that hang together in circles, without those that only lead to them. Tarjan, "Depth-First Search and Linear Graph
 * Algorithms" (1972), without recursion: a chain of locks may be longer than the stack is deep.
 */
function componentsOf(stuck: ReadonlySet<Waitable>, keeping: Keeping): Set<Waitable>[] {
  const components: Set<Waitable>[] = []
  const numbers = new Map<Node, number>()
  const open: Node[] = []
  const isOpen = new Set<Node>()
  const visits: Visit[] = []
  const visit = (node: Node): void => {
    const number = numbers.size
    numbers.set(node, number)
    open.push(node)
    isOpen.add(node)
    visits.push({ node, number, low: number, next: edgesOf(node, stuck, keeping) })
  }
  for (const start of stuck) {
    if (!numbers.has(start)) visit(start)
    for (let at = visits.at(-1); at; at = visits.at(-1)) {
      const { done, value } = at.next.next() as IteratorResult<Node, undefined>
      if (!done) {
        const number = numbers.get(value)
        if (number === undefined) visit(value)
        else if (isOpen.has(value)) at.low = Math.min(at.low, number)
        continue
      }
      visits.pop()
      const above = visits.at(-1)
      if (above) above.low = Math.min(above.low, at.low)
      if (at.low === at.number) close(open, isOpen, at.node, components, stuck)
    }
  }
  return components
}

/** Takes the nodes of a component off the open ones. One with a single node has no circle: every edge leads to a node of the other kind. */
function close(open: Node[], isOpen: Set<Node>, root: Node, components: Set<Waitable>[], stuck: ReadonlySet<Waitable>): void {
  const waitables: Waitable[] = []
  let size = 0
  for (let node = open.pop(); node; node = node === root ? undefined : open.pop()) {
    isOpen.delete(node)
    size++
    if (stuck.has(node as Waitable)) waitables.push(node as Waitable)
  }
  if (size > 1) components.push(new Set(waitables.reverse()))
}

function* edgesOf(node: Node, stuck: ReadonlySet<Waitable>, keeping: Keeping): Generator<Node, undefined> {
  if (stuck.has(node as Waitable)) for (const hold of keeping.keepers(node as Waitable)) yield hold.frame
  else for (const { on } of keeping.waitsOf(node as Frame)) if (stuck.has(on)) yield on
  return undefined
}
