/**
 * From the expression graph to a kernel program. Views are pushed down to the leaves, so that a chain of
 * elementwise operations over slices, transposed and broadcast inputs is one loop. What cannot be fused (reductions,
 * algorithms, random numbers out of order) has to be computed before: it is listed in {@link Lowering.needs}, and
 * lowering is repeated when it is there.
 */
import { type DType, isBig, rawFrom, typedArray } from '../expression/dtype.ts'
import { convert } from '../expression/elementwise.ts'
import { KernelProgram, type ValueId } from '../kernel/ir.ts'
import { homeOf } from '../memory/memory.ts'
import { type Box, boxOfView } from '../expression/grid.ts'
import type {
  BlocksNode,
  ConcatNode,
  DenseNode,
  FileNode,
  HeldNode,
  MapNode,
  Node,
  RandomNode,
  RangeNode,
  ReshapeNode,
} from '../expression/node.ts'
import { boxPartOf, partOf } from '../expression/part.ts'
import { contiguousStrides, sizeOf } from '../expression/shape.ts'
import { type Access, accessThrough, isRun, isSingle, type Source } from '../memory/source.ts'
import { broadcastView, composeViews, identityView, isIdentity, type View } from '../expression/view.ts'

/** A place that is never read: stands for a result that is not computed yet, in plans that are only shown. */
export const nowhere = new SharedArrayBuffer(8)

/** What was computed so far. */
export type Computed = ReadonlyMap<Node, HeldNode>

/**
 * How large one kernel may become; what goes beyond is computed before, in a pass of its own. Without a limit the kernel of a long chain would be
 * deeper than the stack, and that of sums over halves of halves (`x.get('::2').add(x.get('1::2'))`) exponentially large. The numbers were
 * chosen: above them a kernel spills its registers and its slots fall out of the second-level cache, so that another pass costs no more.
 */
const limits = {
  /** Operations inside each other. */
  depth: 100,
  values: 400,
  inputs: 64,
  /** Of one operation: each is computed again. */
  views: 16,
}

export class Lowering {
  readonly program = new KernelProgram()
  readonly inputs: Access[] = []
  readonly parameters: (number | bigint)[] = []
  /** Nodes to compute first. While there are any, the program is of no use. */
  readonly needs = new Set<Node>()
  readonly #computed: Computed
  readonly #inOrder: boolean
  readonly #known = new Map<string, ValueId>()
  /** Through how many views each node is read. */
  readonly #views = new Map<Node, number>()
  #depth = 0

  /** @param inOrder whether the kernel walks its elements in C order, in whole blocks: then random numbers are made in registers. */
  constructor(computed: Computed, inOrder: boolean) {
    this.#computed = computed
    this.#inOrder = inOrder
  }

  /** The value of the node's elements that the view selects. */
  lower(node: Node, view: View = identityView(node.shape)): ValueId {
    const key = keyOf(node, view)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const there = this.#computed.get(node) ?? node
    const fused = there.kind === 'map' || there.kind === 'cast'
    let value: ValueId
    if (fused && this.#isFull(there)) value = this.#need(there)
    else {
      this.#depth++
      value = this.#lower(there, view, node)
      this.#depth--
    }
    this.#known.set(key, value)
    return value
  }

  /** Whether the operation is better computed before than in this kernel. The outermost one is always in it. */
  #isFull(node: Node): boolean {
    const views = (this.#views.get(node) ?? 0) + 1
    this.#views.set(node, views)
    return (
      this.#depth > 0 &&
      (this.#depth > limits.depth ||
        this.program.nodes.length > limits.values ||
        this.inputs.length > limits.inputs ||
        views > limits.views)
    )
  }

  /** @param of what the node stands for in the computation */
  #lower(node: Node, view: View, of: Node = node): ValueId {
    switch (node.kind) {
      case 'full':
        return this.#parameter(node.dtype, node.value)
      case 'dense':
        return this.#leaf(node, sourceOf(node), view, node.strides, node.offset)
      case 'range':
        return this.#range(node, view)
      case 'random':
        if (this.#inOrder && isIdentity(view, node.shape)) {
          this.parameters.push(node.key)
          return this.program.random(node.distribution)
        }
        return this.#leaf(node, sourceOf(node), view, contiguousStrides(node.shape), 0, of)
      case 'file':
        return this.#leaf(node, sourceOf(node), view, contiguousStrides(node.shape), 0, of)
      case 'map':
        return this.#map(node, view)
      case 'cast':
        return this.program.cast(this.lower(node.input, view), node.dtype)
      case 'view':
        return this.lower(node.input, composeViews(view, node.view))
      case 'reshape':
        return this.#reshape(node, view)
      case 'blocks':
        return this.#blocks(node, view)
      case 'concat':
        return this.#concat(node, view)
      default:
        return this.#need(node)
    }
  }

  /** Of an array in blocks only those are made that the view reads. */
  #blocks(node: BlocksNode, view: View): ValueId {
    const { part, view: within } = partOf(node, view)
    if (part === node) return this.#need(node)
    const there = this.#computed.get(part)
    return there ? this.#lower(there, within) : this.#need(part)
  }

  /** What a view reads of one part alone needs no others. */
  #concat(node: ConcatNode, view: View): ValueId {
    const box = boxOfView(view)
    let at = 0
    for (const input of box ? node.inputs : []) {
      const end = at + (input.shape[node.axis] as number)
      if (((box as Box).start[node.axis] as number) >= at && ((box as Box).stop[node.axis] as number) <= end) {
        const axes = view.axes.map((axis, i) => (i === node.axis ? { ...axis, start: axis.start - at } : axis))
        return this.lower(input, { shape: view.shape, axes })
      }
      at = end
    }
    return this.#need(node)
  }

  #map(node: MapNode, view: View): ValueId {
    const values = node.inputs.map((input, i) => {
      const value = this.lower(input, composeViews(view, broadcastView(input.shape, node.shape)))
      return this.program.cast(value, node.name === 'where' && i === 0 ? 'bool' : node.operand)
    })
    return this.program.operation(node.name, node.operand, node.dtype, values)
  }

  /** In C order a reshape changes nothing; another view needs the elements to lie somewhere. */
  #reshape(node: ReshapeNode, view: View): ValueId {
    if (isIdentity(view, node.shape)) return this.lower(node.input, identityView(node.input.shape))
    let input = this.#computed.get(node.input) ?? node.input
    while (input.kind === 'reshape') input = this.#computed.get(input.input) ?? input.input
    const strides = contiguousStrides(node.shape)
    if (input.kind === 'full') return this.lower(input)
    if (input.kind === 'random' || input.kind === 'file') return this.#leaf(input, sourceOf(input), view, strides, 0)
    if (input.kind === 'dense' && isRun(accessThrough(identityView(input.shape), input.strides, input.offset))) {
      return this.#leaf(input, sourceOf(input), view, strides, input.offset)
    }
    return this.#need(node)
  }

  #range(node: RangeNode, view: View): ValueId {
    const access = accessThrough(view, [1], 0)
    if (isSingle(access)) return this.#parameter('f64', node.start + node.step * access.offset)
    if (!this.#inOrder || access.strides.length > 1) return this.#need(node)
    const { program } = this
    const f64 = (name: 'add' | 'multiply', a: ValueId, b: ValueId): ValueId => program.operation(name, 'f64', 'f64', [a, b])
    let index = program.add({ kind: 'position', dtype: 'f64' })
    if (access.strides[0] !== 1) index = f64('multiply', index, this.#parameter('f64', access.strides[0] as number))
    if (access.offset !== 0) index = f64('add', index, this.#parameter('f64', access.offset))
    return f64('add', f64('multiply', index, this.#parameter('f64', node.step)), this.#parameter('f64', node.start))
  }

  /** @param of as of `#lower`, where the view is one of the node itself */
  #leaf(node: Node, source: Source, view: View, strides: readonly number[], offset: number, of?: Node): ValueId {
    const access: Access = { source, dtype: node.dtype, ...accessThrough(view, strides, offset) }
    if (source.kind === 'memory' && isSingle(access)) {
      if (source.buffer === nowhere) return this.#parameter(node.dtype, isBig(node.dtype) ? 0n : 0)
      const raw = typedArray(node.dtype, source.buffer, access.offset, 1)[0] as number | bigint
      return this.#parameter(node.dtype, convert(node.dtype, node.dtype, rawFrom(node.dtype, raw)))
    }
    // Files and random numbers are read in runs; anything else costs a whole block for one element.
    if (source.kind !== 'memory' && access.strides.at(-1) !== 1) return of ? this.#box(node, of, view) : this.#need(node)
    const same = this.inputs.findIndex((other) => sameAccess(other, access))
    if (same >= 0) return this.program.add({ kind: 'input', slot: same, dtype: node.dtype })
    this.inputs.push(access)
    return this.program.input(node.dtype)
  }

  /** Read in runs before, and in the order of the view then: only the box that the view shows. */
  #box(node: Node, of: Node, view: View): ValueId {
    const found = boxPartOf(node, of, view)
    if (!found) return this.#need(node)
    const there = this.#computed.get(found.part)
    return there ? this.#lower(there, found.view, found.part) : this.#need(found.part)
  }

  #parameter(dtype: DType, value: number | bigint): ValueId {
    this.parameters.push(value)
    return this.program.parameter(dtype)
  }

  #need(node: Node): ValueId {
    this.needs.add(node)
    return this.#parameter(node.dtype, isBig(node.dtype) ? 0n : 0)
  }
}

function keyOf(node: Node, { shape, axes }: View): string {
  let key = `${node.id} ${shape.join()}`
  for (const { start, step, from } of axes) key += ` ${start} ${step} ${from}`
  return key
}

function sourceOf(node: DenseNode | RandomNode | FileNode): Source {
  switch (node.kind) {
    case 'dense':
      return { kind: 'memory', buffer: node.buffer, home: homeOf(node.buffer) }
    case 'random':
      return { kind: 'random', distribution: node.distribution, key: node.key }
    case 'file':
      return {
        kind: 'file',
        path: node.path,
        offsetBytes: node.offsetBytes,
        bigEndian: node.bigEndian,
        length: sizeOf(node.shape),
      }
  }
}

function sameAccess(a: Access, b: Access): boolean {
  return (
    a.offset === b.offset &&
    a.dtype === b.dtype &&
    String(a.shape) === String(b.shape) &&
    String(a.strides) === String(b.strides) &&
    sameSource(a.source, b.source)
  )
}

function sameSource(a: Source, b: Source): boolean {
  if (a.kind === 'memory' && b.kind === 'memory') return a.buffer === b.buffer
  if (a.kind === 'file' && b.kind === 'file') return a.path === b.path && a.offsetBytes === b.offsetBytes
  return a.kind === 'random' && b.kind === 'random' && a.key === b.key && a.distribution === b.distribution
}
