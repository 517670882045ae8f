/**
 * The order of a computation, as a state machine without a clock or threads. Each node is in one of four states:
 *
 * - unknown: nobody has asked for it;
 * - waiting: asked for, and some nodes below it have to be computed first;
 * - ready: asked for, and a stage can compute it from what is there;
 * - computed.
 *
 * Only ready nodes form stages, so two nodes of one stage never need each other. A node needs only nodes below it, the graph is acyclic, and
 * a node is looked at again only when all that it waited for is computed: so every node that was asked for becomes ready, after a number
 * of steps that is bounded by the size of the graph.
 */
import { performance } from '../../base/globals.js'
import { HeddleError } from '../../base/errors.ts'
import { prepareAlgorithm } from '../algorithms/index.ts'
import { prepareBlocks } from '../stages/blocks-stage.ts'
import type { Computed } from '../stages/lower.ts'
import { prepareConcat, prepareMaps } from '../stages/map-stage.ts'
import type { Node, ReduceNode } from '../expression/node.ts'
import { prepareReductions } from '../stages/reduce-stage.ts'
import { describeNode, type Prepared, type Stage } from '../stages/stage.ts'

export class Planner {
  readonly #computed: Computed
  /** Nodes to look at. */
  readonly #asked: Node[] = []
  /** Each with the stage that computes it alone. */
  readonly #ready = new Map<Node, Stage>()
  /** Each with how many of its needs are not computed yet. */
  readonly #waiting = new Map<Node, number>()
  /** The nodes that wait for a node. */
  readonly #dependents = new Map<Node, Node[]>()

  constructor(computed: Computed) {
    this.#computed = computed
  }

  /** Asks for nodes; {@link look} finds what has to be computed before them. */
  demand(nodes: Iterable<Node>): void {
    this.#asked.push(...nodes)
  }

  /**
   * Looks at nodes that were asked for.
   * @param untilMs on the clock of `performance.now()`
   * @returns whether all of them have been looked at
   */
  look(untilMs = Number.POSITIVE_INFINITY): boolean {
    for (let node = this.#asked.pop(); node; node = this.#asked.pop()) {
      this.#lookAt(node)
      if (performance.now() > untilMs) return this.#asked.length === 0
    }
    return true
  }

  #lookAt(node: Node): void {
    if (this.#ready.has(node) || this.#waiting.has(node)) return
    // Blocks are made side by side, each with a planner of its own: another one may have computed it since it was asked for.
    if (node.kind === 'dense' || this.#computed.has(node)) return this.settled(node)
    const prepared = prepare([node], this.#computed)
    if ('stage' in prepared) {
      this.#ready.set(node, prepared.stage)
      return
    }
    this.#waiting.set(node, prepared.needs.size)
    for (const need of prepared.needs) {
      const others = this.#dependents.get(need)
      if (others) others.push(node)
      else this.#dependents.set(need, [node])
      this.#asked.push(need)
    }
  }

  /**
   * The stages that can run now, in any order; each node of them must be reported to {@link settled} afterwards.
   * @throws {HeddleError} when nodes wait and none can run, which would be a fault of this library
   */
  next(): Stage[] {
    const stages = groups(this.#ready.keys()).flatMap((group) => this.#stagesOf(group))
    this.#ready.clear()
    const [stuck] = this.#waiting.keys()
    if (stages.length > 0 || stuck === undefined) return stages
    throw new HeddleError(`The computation cannot go on: ${describeNode(stuck)} (${stuck.kind}) waits for itself`, {
      hint: 'This is a bug in heddle: please report the expression. `await part.persist()` on a part of it may avoid it.',
    })
  }

  /** A kernel has room for so much only: what one pass cannot take is shared among several. */
  #stagesOf(group: readonly Node[]): Stage[] {
    const [first] = group as [Node]
    if (group.length === 1) return [this.#ready.get(first) as Stage]
    const prepared = prepare(group, this.#computed)
    if ('stage' in prepared) return [prepared.stage]
    const half = Math.ceil(group.length / 2)
    return [...this.#stagesOf(group.slice(0, half)), ...this.#stagesOf(group.slice(half))]
  }

  /** The node has been computed: what waited for it alone is to be looked at again. */
  settled(node: Node): void {
    const dependents = this.#dependents.get(node) ?? []
    this.#dependents.delete(node)
    for (const dependent of dependents) {
      const left = (this.#waiting.get(dependent) as number) - 1
      this.#waiting.set(dependent, left)
      if (left > 0) continue
      this.#waiting.delete(dependent)
      this.#asked.push(dependent)
    }
  }
}

/** Results of one pass: each more takes registers, and a slot in the second-level cache. */
const mostTogether = 16

/** Nodes that one pass can compute together: maps of one shape, reductions of inputs of one shape over the same axes. */
function groups(nodes: Iterable<Node>): Node[][] {
  const all: Node[][] = []
  const open = new Map<string, Node[]>()
  for (const node of nodes) {
    const key = groupKey(node)
    const group = open.get(key)
    if (group && group.length < mostTogether) group.push(node)
    else {
      const fresh = [node]
      open.set(key, fresh)
      all.push(fresh)
    }
  }
  return all
}

function groupKey(node: Node): string {
  // Sums follow a tree that the chunks fix.
  if (node.kind === 'reduce')
    return `reduce ${node.input.shape.join()} ${node.axes.join()} ${node.input.chunk} ${node.partial?.rows}`
  if (node.kind === 'algorithm' || node.kind === 'concat' || node.kind === 'blocks') return `alone ${node.id}`
  return `map ${node.shape.join()}`
}

function prepare(group: readonly Node[], computed: Computed): Prepared {
  const [first] = group as [Node]
  switch (first.kind) {
    case 'reduce':
      return prepareReductions(group as readonly ReduceNode[], computed)
    case 'concat':
      return prepareConcat(first, computed)
    case 'algorithm':
      return prepareAlgorithm(first, computed)
    case 'blocks':
      return prepareBlocks(first, computed)
    default:
      return prepareMaps(group, computed)
  }
}
