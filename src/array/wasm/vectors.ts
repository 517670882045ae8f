/**
 * Straight-line SIMD code as a graph of values. Equal values are made once (hash consing), so that what two
 * expressions share, such as the range reduction of sin(x) and cos(x), is computed once.
 *
 * The body of a kernel is a loop over such a graph. Values that depend on constants and parameters alone stand before
 * the loop; values used more than once live in locals; everything else stays on the stack.
 */
import { append, sleb, uleb, type ValueType } from './encoder.ts'
import { op, type SimdOp, simd, simdImmediate } from './opcodes.ts'

/** A v128 value of the graph. */
export type Vector = number

type Node =
  | { readonly kind: 'op'; readonly opcode: SimdOp; readonly args: readonly Vector[]; readonly shift?: number }
  | { readonly kind: 'const'; readonly bytes: readonly number[] }
  | { readonly kind: 'shuffle'; readonly args: readonly Vector[]; readonly bytes: readonly number[] }
  /** 64 bits of memory in both lanes, the same all through the loop. */
  | { readonly kind: 'splat'; readonly address: number }
  /** `bytes` (4, 8 or 16) of memory at `address + element × width`. */
  | { readonly kind: 'load'; readonly address: number; readonly width: number; readonly bytes: 4 | 8 | 16 }
  /** A local that the loop carries from one round to the next. */
  | { readonly kind: 'variable'; readonly local: number }
  /** `fast`, but where `mask` is set the result of the scalar function, called lane by lane. */
  | {
      readonly kind: 'scalarCalls'
      readonly lane: 'f64' | 'i64'
      readonly func: number
      readonly args: readonly Vector[]
      readonly fast: Vector
      readonly mask: Vector
    }

const none: readonly Vector[] = []

/** Where constants are put together; a new view for each would take longer than the rest. */
const constant = new DataView(new ArrayBuffer(16))
const constantBytes = new Uint8Array(constant.buffer)

export class VectorGraph {
  readonly nodes: Node[] = []
  readonly #known = new Map<string, Vector>()

  #add(key: string, node: Node): Vector {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const made = this.nodes.push(node) - 1
    this.#known.set(key, made)
    return made
  }

  op(opcode: SimdOp, ...args: Vector[]): Vector {
    const [a, b, c] = args
    const key = c === undefined ? `${opcode} ${a} ${b}` : `${opcode} ${a} ${b} ${c}`
    return this.#known.get(key) ?? this.#add(key, { kind: 'op', opcode, args })
  }

  /** Shifts every lane by the same constant number of bits. */
  shift(opcode: SimdOp, value: Vector, bits: number): Vector {
    return this.#add(`${opcode} ${value} ${bits}`, { kind: 'op', opcode, args: [value], shift: bits })
  }

  f64(value: number, second = value): Vector {
    constant.setFloat64(0, value, true)
    constant.setFloat64(8, second, true)
    return this.#constant()
  }

  i64(value: bigint): Vector {
    for (const at of [0, 8]) constant.setBigInt64(at, BigInt.asIntN(64, value), true)
    return this.#constant()
  }

  f32(value: number): Vector {
    for (const at of [0, 4, 8, 12]) constant.setFloat32(at, value, true)
    return this.#constant()
  }

  i32(value: number, step = 0): Vector {
    for (let lane = 0; lane < 4; lane++) constant.setInt32(4 * lane, value + lane * step, true)
    return this.#constant()
  }

  /** The 16 bytes of a constant. */
  bytes(bytes: readonly number[]): Vector {
    bytes.forEach((byte, at) => constant.setUint8(at, byte))
    return this.#constant()
  }

  #constant(): Vector {
    const word = (at: number): number => constant.getUint32(at)
    const key = `const ${word(0)} ${word(4)} ${word(8)} ${word(12)}`
    return this.#known.get(key) ?? this.#add(key, { kind: 'const', bytes: Array.from(constantBytes) })
  }

  /** Bytes picked from two vectors: 0–15 of `a`, 16–31 of `b`. */
  shuffle(a: Vector, b: Vector, bytes: readonly number[]): Vector {
    return this.#add(`shuffle ${a} ${b} ${bytes.join()}`, { kind: 'shuffle', args: [a, b], bytes })
  }

  splat(address: number): Vector {
    return this.#add(`splat ${address}`, { kind: 'splat', address })
  }

  load(address: number, width: number, bytes: 4 | 8 | 16): Vector {
    return this.#add(`load ${address} ${width} ${bytes}`, { kind: 'load', address, width, bytes })
  }

  variable(local: number): Vector {
    return this.#add(`variable ${local}`, { kind: 'variable', local })
  }

  scalarCalls(func: number, args: readonly Vector[], fast: Vector, mask: Vector, lane: 'f64' | 'i64' = 'f64'): Vector {
    return this.#add(`calls ${func} ${args.join()} ${fast} ${mask}`, { kind: 'scalarCalls', lane, func, args, fast, mask })
  }

  /** `mask ? yes : no`, bit by bit. */
  select(mask: Vector, yes: Vector, no: Vector): Vector {
    return yes === no ? yes : this.op('v128.bitselect', yes, no, mask)
  }

  inputs(value: Vector): readonly Vector[] {
    const node = this.nodes[value] as Node
    if (node.kind === 'scalarCalls') return [...node.args, node.fast, node.mask]
    return node.kind === 'op' || node.kind === 'shuffle' ? node.args : none
  }
}

const loads = { 4: simdImmediate.load32Zero, 8: simdImmediate.load64Zero, 16: simdImmediate.load } as const
const stores = { 4: simdImmediate.store32Lane, 8: simdImmediate.store64Lane, 16: simdImmediate.store } as const

/** Locals with what addresses count from; 0 where there is none. */
export interface Bases {
  /** Of parameters and results. */
  readonly fixed?: number
  /** Of elements. */
  readonly elements?: number
}

/** Emits one function body over a {@link VectorGraph}: keeps the locals, and which value already lives in one. */
export class VectorEmitter {
  readonly code: number[] = []
  readonly #graph: VectorGraph
  readonly #locals: ValueType[]
  readonly #firstLocal: number
  /** The local that holds the element counter; loads address through it. */
  readonly #element: number
  /** By value: the local that it lives in, 0 for none, and how often it is used. Both are there when {@link prepare} was called. */
  #held = new Int32Array()
  #uses = new Uint32Array()
  readonly #bases: Bases
  readonly #addresses = new Map<number, number>()

  /** @param locals the types of the function's locals so far; the emitter appends its own. */
  constructor(graph: VectorGraph, locals: ValueType[], parameterCount: number, element: number, bases: Bases = {}) {
    this.#graph = graph
    this.#locals = locals
    this.#firstLocal = parameterCount
    this.#element = element
    this.#bases = bases
  }

  newLocal(type: ValueType): number {
    return this.#firstLocal + this.#locals.push(type) - 1
  }

  /** Counts the uses below the roots, so that {@link emit} knows what to keep. Call once, with everything to be emitted. */
  prepare(roots: readonly Vector[]): void {
    const { nodes } = this.#graph
    this.#held = new Int32Array(nodes.length)
    const uses = (this.#uses = new Uint32Array(nodes.length))
    const use = (value: Vector): void => void (uses[value] = (uses[value] as number) + 1)
    roots.forEach(use)
    // A value has a greater number than what it is made of.
    for (let value = nodes.length - 1; value >= 0; value--) {
      if (uses[value] !== 0) this.#graph.inputs(value).forEach(use)
    }
    // A scalar call reads its arguments and its mask twice: lane by lane, and inside its branch.
    nodes.forEach((node, value) => {
      if (node.kind === 'scalarCalls' && uses[value] !== 0) for (const x of [...node.args, node.mask]) uses[x] = 2
    })
  }

  /** Puts values that do not change in the loop into locals; call where the loop's prologue stands. */
  hoist(): void {
    const { nodes } = this.#graph
    const invariant = new Uint8Array(nodes.length)
    nodes.forEach((node, value) => {
      const own = node.kind === 'const' || node.kind === 'splat' || node.kind === 'op' || node.kind === 'shuffle'
      if (!own || !this.#graph.inputs(value).every((input) => invariant[input] === 1)) return
      invariant[value] = 1
      if (this.#uses[value] === 0) return
      this.#uses[value] = 2
      this.emit(value)
      this.code.push(op.drop)
    })
  }

  /** The addresses of the element in the slots, by element width; call at the start of every round. */
  startRound(widths: Iterable<number>): void {
    for (const width of widths) {
      const known = this.#addresses.get(width)
      const local = known ?? this.newLocal('i32')
      this.#addresses.set(width, local)
      this.get(this.#element)
      this.i32(Math.log2(width))
      this.code.push(op.i32Shl)
      if (this.#bases.elements !== undefined) {
        this.get(this.#bases.elements)
        this.code.push(op.i32Add)
      }
      this.set(local)
    }
  }

  /** Leaves the value on the stack; keeps it in a local if it is used again. */
  emit(value: Vector): void {
    const local = this.#held[value] as number
    if (local !== 0) return this.get(local)
    this.#compute(value)
    if ((this.#uses[value] as number) > 1 && this.#graph.nodes[value]?.kind !== 'variable') {
      const kept = this.newLocal('v128')
      this.#held[value] = kept
      this.code.push(op.localTee)
      uleb(kept, this.code)
    }
  }

  #compute(value: Vector): void {
    const node = this.#graph.nodes[value] as Node
    switch (node.kind) {
      case 'variable':
        return this.get(node.local)
      case 'const':
        this.simd(simdImmediate.const)
        return append(this.code, node.bytes)
      case 'splat':
        this.#fixed()
        return this.#memory(simdImmediate.load64Splat, 3, node.address)
      case 'load':
        this.get(this.#addresses.get(node.width) as number)
        return this.#memory(loads[node.bytes], 0, node.address)
      case 'op':
        for (const arg of node.args) this.emit(arg)
        if (node.shift !== undefined) this.i32(node.shift)
        return this.simd(simd[node.opcode])
      case 'shuffle':
        for (const arg of node.args) this.emit(arg)
        this.simd(simdImmediate.shuffle)
        return append(this.code, node.bytes)
      case 'scalarCalls':
        return this.#scalarCalls(node)
    }
  }

  #scalarCalls(node: Extract<Node, { kind: 'scalarCalls' }>): void {
    const result = this.newLocal('v128')
    for (const arg of [...node.args, node.mask]) {
      this.emit(arg)
      this.code.push(op.drop)
    }
    this.emit(node.fast)
    this.set(result)
    this.emit(node.mask)
    this.simd(simd['v128.any_true'])
    this.code.push(op.if, op.empty)
    this.get(result)
    for (const lane of [0, 1]) {
      for (const arg of node.args) {
        this.emit(arg)
        this.simd(simdImmediate[`${node.lane}x2ExtractLane`], lane)
      }
      this.code.push(op.call)
      uleb(node.func, this.code)
      this.simd(simdImmediate[`${node.lane}x2ReplaceLane`], lane)
    }
    this.get(result)
    this.emit(node.mask)
    this.simd(simd['v128.bitselect'])
    this.set(result)
    this.code.push(op.end)
    this.get(result)
  }

  /** Stores `bytes` (4, 8 or 16) of the value at `address + element × width`. */
  store(value: Vector, address: number, width: number, bytes: 4 | 8 | 16): void {
    this.get(this.#addresses.get(width) as number)
    this.emit(value)
    this.#memory(stores[bytes], 0, address)
    if (bytes < 16) this.code.push(0)
  }

  /** Reads ahead: the bytes at this distance behind the element's address, only so that they are in the cache when their turn comes. */
  touch(width: number, ahead: number): void {
    this.get(this.#addresses.get(width) as number)
    this.code.push(op.i64Load, 3)
    uleb(ahead, this.code)
    this.code.push(op.drop)
  }

  /** Stores the local at a fixed address. */
  storeLocal(local: number, address: number): void {
    this.#fixed()
    this.get(local)
    this.#memory(simdImmediate.store, 0, address)
  }

  /** What fixed addresses count from. */
  #fixed(): void {
    if (this.#bases.fixed === undefined) this.i32(0)
    else this.get(this.#bases.fixed)
  }

  get(local: number): void {
    this.code.push(op.localGet)
    uleb(local, this.code)
  }

  set(local: number): void {
    this.code.push(op.localSet)
    uleb(local, this.code)
  }

  i32(value: number): void {
    this.code.push(op.i32Const)
    if (value >= 0 && value < 64) this.code.push(value)
    else sleb(BigInt(value), this.code)
  }

  simd(opcode: number, lane?: number): void {
    this.code.push(0xfd)
    uleb(opcode, this.code)
    if (lane !== undefined) this.code.push(lane)
  }

  #memory(opcode: number, align: number, address: number): void {
    this.simd(opcode)
    uleb(align, this.code)
    uleb(address, this.code)
  }
}
