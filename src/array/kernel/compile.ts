/**
 * From a {@link KernelProgram} to a WebAssembly module: one loop over a block of up to {@link blockLength} elements, four at
 * a time, that reads its inputs once and keeps everything between in registers.
 *
 * The memory belongs to one thread and holds, from address 0: the position of the block's first element (a double), the
 * parameters (16 bytes each), the results of reductions, and one slot per input and output. A kernel that reduces one input
 * can also be compiled to read it in place: its memory is that of the elements then, and both the beginning of the block and that
 * of the parameters are arguments.
 *
 * V8 swaps in optimized code only when a function is called again, never inside a running loop; so a kernel works on
 * one block per call.
 */
import { performance } from '../../base/globals.js'
import { kernelNs } from './cost.ts'
import { bytesPer, type DType, isBig } from '../expression/dtype.ts'
import { type OperationName, operations } from '../expression/elementwise.ts'
import { placeBytes } from '../memory/memory.ts'
import { ModuleEncoder, uleb, type ValueType } from '../wasm/encoder.ts'
import { F64, type ScalarFunctions } from '../wasm/math.ts'
import { op, simd } from '../wasm/opcodes.ts'
import { type Vector, VectorEmitter, VectorGraph } from '../wasm/vectors.ts'
import { bitLanesOfHalf, convertLanes, halfFromBitLanes, type Lanes } from './convert.ts'
import { blockLength, type KernelProgram, type ReductionKind } from './ir.ts'
import { vectorOperation } from './operations.ts'
import { emitSeeding, normalLanes, randomLanes, type RandomState, uniformLanes } from './random.ts'
import { type Accumulator, accumulate, combineSubBlock, mantissaSum } from './reduction.ts'

export const positionAddress = 0
const parameterBase = 16
/** Rounds of four elements between two compensations of a sum: NumPy's pairwise sum also adds 128 elements plainly. */
const subBlockLength = 128
/** Kernels whose elements take less are bound by the time between two additions to one accumulator. */
const lightNs = 0.6
const blocksPerCall = 4
/**
 * How far ahead a kernel in place touches its input, once per sub-block: a processor fetches ahead by itself only to the end of a page of 4 KiB. A
 * sum takes 4 to 5 % less time with it. What follows the elements is scratch space.
 */
const touchedAheadBytes = 2_048
/** Keeps slots from falling on the same cache sets. */
const slotPaddingBytes = 320

export interface Slot {
  readonly dtype: DType
  readonly address: number
}

/** A compiled kernel; plain data that crosses to workers. */
export interface Kernel {
  /** What it was compiled from, as text: equal for equal kernels, on every thread. */
  readonly key: string
  readonly bytes: Uint8Array<ArrayBuffer>
  /** It runs in the memory of its input, which is shared, at addresses that it is given. */
  readonly inPlace: boolean
  readonly inputs: readonly Slot[]
  readonly outputs: readonly Slot[]
  /** Address and dtype of each parameter. */
  readonly parameters: readonly Slot[]
  /** Address of the accumulators of each reduction, vector by vector, and the dtype of its value. */
  readonly reductions: readonly (Slot & { readonly kind: ReductionKind; readonly vectors: number })[]
  readonly memoryBytes: number
  /** How many elements a call may run over. */
  readonly blockLength: number
  readonly compileMs: number
  /** Expected, without moving inputs and outputs. */
  readonly nsPerElement: number
}

/** The functions that a kernel may import, with their number of arguments. */
const takesTwo = (name: string): boolean => {
  const operation = operations[name.split('.')[0] as OperationName] as { readonly arity: number } | undefined
  return operation ? operation.arity === 2 : name === 'pow'
}

/** Kernels kept for the next expression of the same form; the oldest goes first. */
const keptKernels = 1_024
const cache = new Map<string, Kernel>()

/**
 * Compiles a program, or gives the kernel that an equal one was compiled to.
 * @param inPlace for a program that {@link canReadInPlace}
 */
export function compileKernel(program: KernelProgram, inPlace = false): Kernel {
  const key = inPlace ? `in place ${program.key()}` : program.key()
  const known = cache.get(key)
  if (known) return known
  const startedAt = performance.now()
  const layout = layOut(program, inPlace)
  const bytes = new KernelCompiler(program, layout).encode()
  const kernel: Kernel = { key, bytes, ...layout, compileMs: performance.now() - startedAt, nsPerElement: kernelNs(program) }
  if (cache.size >= keptKernels) cache.delete(cache.keys().next().value as string)
  cache.set(key, kernel)
  return kernel
}

type Layout = Pick<Kernel, 'inPlace' | 'inputs' | 'outputs' | 'parameters' | 'reductions' | 'memoryBytes' | 'blockLength'>

/** Whether it can be compiled to read its input in place: parameters and results must have room in the place of a thread. */
export const canReadInPlace = (program: KernelProgram): boolean =>
  reducesOneInput(program) &&
  parameterBase + 16 * program.parameters.length + 16 * mostVectors * program.reductions.length <= placeBytes

/** Random numbers are seeded for every block. */
const reducesOneInput = ({ nodes, inputs, outputs }: KernelProgram): boolean =>
  inputs.length === 1 && outputs.length === 0 && !nodes.some(({ kind }) => kind === 'random')

function layOut(program: KernelProgram, inPlace: boolean): Layout {
  // A kernel that reduces one input takes several blocks at once, which saves calls; they lie in the second-level cache then. Several
  // slots would crowd the cache.
  const elements = reducesOneInput(program) ? blocksPerCall * blockLength : blockLength
  let end = parameterBase
  const take = (bytes: number): number => {
    end += bytes
    return end - bytes
  }
  const slot = (dtype: DType): Slot => ({ dtype, address: take(elements * bytesPer(dtype) + slotPaddingBytes) })
  const parameters = program.parameters.map((dtype) => ({ dtype, address: take(16) }))
  const reductions = program.reductions.map(({ kind, value }) => {
    const dtype = program.dtype(value)
    const vectors = accumulatorVectors(kind, dtype)
    return { kind, dtype, vectors, address: take(16 * vectors) }
  })
  end = Math.ceil(end / 64) * 64
  const inputs = inPlace ? program.inputs.map((dtype) => ({ dtype, address: 0 })) : program.inputs.map(slot)
  const outputs = program.outputs.map(({ value, over }) =>
    over === undefined ? slot(program.dtype(value)) : (inputs[over] as Slot),
  )
  return { inPlace, inputs, outputs, parameters, reductions, memoryBytes: end, blockLength: elements }
}

const mostVectors = 4

function accumulatorVectors(kind: ReductionKind, dtype: DType): number {
  if (kind === 'sum') return dtype === 'f64' ? mostVectors : dtype === 'u8' || dtype === 'bool' ? 1 : 2
  return bytesPer(dtype) === 8 ? 2 : 1
}

class KernelCompiler {
  readonly #program: KernelProgram
  readonly #layout: Layout
  readonly #module = new ModuleEncoder()

  constructor(program: KernelProgram, layout: Layout) {
    this.#program = program
    this.#layout = layout
  }

  /** Exports `run(count)` for whole rounds of four, and `tail(count)` for any count where a reduction must not see the rest. */
  encode(): Uint8Array<ArrayBuffer> {
    const { inPlace } = this.#layout
    this.#module.importMemory({ minPages: 1, maxPages: 65536, shared: inPlace })
    // Imports have numbers before functions do, so the bodies are made first.
    const bodies = [
      { name: 'run', ...this.#body(false) },
      ...(this.#program.reductions.length > 0 ? [{ name: 'tail', ...this.#body(true) }] : []),
    ]
    const params = Array.from({ length: inPlace ? argumentsInPlace : 1 }, (): ValueType => 'i32')
    for (const { name, locals, code } of bodies) this.#module.addFunction({ params, results: [] }, locals, code, name)
    return this.#module.encode()
  }

  #scalar: ScalarFunctions = (name, lane = 'f64') => {
    const params = takesTwo(name) ? [lane, lane] : [lane]
    return this.#module.importFunction(lane === 'f64' ? name : `${name}.${lane}`, { params, results: [lane] })
  }

  #body(masked: boolean): { locals: ValueType[]; code: number[] } {
    const body = new LoopBody(this.#program, this.#layout, this.#scalar, masked)
    return { locals: body.locals, code: body.emit() }
  }
}

/** The arguments of kernel functions: the count, and in place where the parameters and the block begin. */
const countLocal = 0
const fixedLocal = 1
const blockLocal = 2
const argumentsInPlace = 3

class LoopBody {
  readonly locals: ValueType[] = ['i32', 'i32']
  readonly #element: number
  readonly #end: number
  readonly #program: KernelProgram
  readonly #layout: Layout
  readonly #graph = new VectorGraph()
  readonly #m: F64
  readonly #emitter: VectorEmitter
  readonly #masked: boolean
  readonly #values: Lanes[] = []
  readonly #random = new Map<string, RandomState>()
  /** Of uniform random numbers, by value. */
  readonly #mantissas = new Map<number, Lanes>()
  /** Values that locals take at the end of a round. */
  readonly #updates: (readonly [number, Vector])[] = []
  /** What locals hold before the first round. */
  readonly #starts: (readonly [number, Vector])[] = []
  readonly #accumulators: Accumulator[] = []

  constructor(program: KernelProgram, layout: Layout, scalar: ScalarFunctions, masked: boolean) {
    this.#program = program
    this.#layout = layout
    this.#masked = masked
    this.#m = new F64(this.#graph, scalar)
    const parameters = layout.inPlace ? argumentsInPlace : 1
    this.#element = parameters
    this.#end = parameters + 1
    const bases = layout.inPlace ? { fixed: fixedLocal, elements: blockLocal } : {}
    this.#emitter = new VectorEmitter(this.#graph, this.locals, parameters, this.#element, bases)
  }

  emit(): number[] {
    const g = this.#graph
    for (const node of this.#program.nodes.keys()) this.#values.push(this.#lanes(node))
    const mask = this.#masked ? this.#mask() : undefined
    const inTurns = kernelNs(this.#program) < lightNs ? 2 : 1
    this.#program.reductions.forEach(({ kind, value }) => {
      const newLocal = (): number => this.#emitter.newLocal('v128')
      const mantissas = kind === 'sum' ? this.#mantissas.get(value) : undefined
      this.#accumulators.push(
        mantissas
          ? mantissaSum(g, mantissas, mask, newLocal)
          : accumulate(g, kind, this.#program.dtype(value), this.#values[value] as Lanes, mask, newLocal, inTurns),
      )
    })
    const stores = this.#program.outputs.map(({ value }, i) =>
      this.#stored(this.#values[value] as Lanes, this.#layout.outputs[i] as Slot),
    )
    const subBlock = this.#accumulators.flatMap((a) => combineSubBlock(g, a))
    const updates = [...this.#updates, ...this.#accumulators.flatMap((a) => a.updates)]
    const starts = [...this.#starts, ...this.#accumulators.flatMap((a) => a.starts)]
    const finish = this.#accumulators.flatMap((a) => a.finish)
    const emitter = this.#emitter
    emitter.prepare([
      ...stores.flatMap((s) => s.lanes),
      ...[...updates, ...subBlock, ...starts, ...finish].map(([, value]) => value),
    ])
    emitter.hoist()
    for (const state of this.#random.values()) emitSeeding(emitter, state, positionAddress)
    this.#assign(starts)
    this.#loops(stores, updates, subBlock)
    this.#assign(finish)
    this.#accumulators.forEach((a, r) => {
      const { address } = this.#layout.reductions[r] as Slot
      a.results.forEach((local, i) => emitter.storeLocal(local, address + 16 * i))
    })
    return emitter.code
  }

  /**
   * An outer loop over sub-blocks, after each of which sums are compensated; an inner one over rounds of four elements. There are two of
   * them in any case, because V8 unrolls longer bodies the deeper a loop is nested.
   */
  #loops(
    stores: readonly { lanes: Lanes; slot: Slot }[],
    updates: readonly (readonly [number, Vector])[],
    subBlock: readonly (readonly [number, Vector])[],
  ): void {
    const emitter = this.#emitter
    const { code } = emitter
    code.push(op.loop, op.empty)
    this.#setEnd()
    code.push(op.loop, op.empty)
    const slots = [...this.#layout.inputs, ...this.#layout.outputs]
    emitter.startRound(new Set(slots.map(({ dtype }) => bytesPer(dtype))))
    for (const { lanes, slot } of stores) {
      const width = bytesPer(slot.dtype)
      const bytes = width < 4 ? ((4 * width) as 4 | 8) : 16
      lanes.forEach((value, i) => emitter.store(value, slot.address + 16 * i, width, bytes))
    }
    this.#assign(updates)
    emitter.get(this.#element)
    emitter.i32(4)
    code.push(op.i32Add, op.localTee)
    uleb(this.#element, code)
    emitter.get(this.#end)
    code.push(op.i32LtU, op.brIf, 0, op.end)
    this.#assign(subBlock)
    if (this.#layout.inPlace) emitter.touch(bytesPer((this.#layout.inputs[0] as Slot).dtype), touchedAheadBytes)
    emitter.get(this.#element)
    emitter.get(countLocal)
    code.push(op.i32LtU, op.brIf, 0, op.end)
  }

  /** end = min(element + sub-block, count). */
  #setEnd(): void {
    const emitter = this.#emitter
    const next = (): void => {
      emitter.get(this.#element)
      emitter.i32(subBlockLength)
      emitter.code.push(op.i32Add)
    }
    emitter.get(countLocal)
    next()
    emitter.get(countLocal)
    next()
    emitter.code.push(op.i32LtU, op.select)
    emitter.set(this.#end)
  }

  /** Sets locals all at once: none of the values sees another's new one. */
  #assign(pairs: readonly (readonly [number, Vector])[]): void {
    for (const [, value] of pairs) this.#emitter.emit(value)
    for (const [local] of [...pairs].reverse()) this.#emitter.set(local)
  }

  /** 32-bit masks of the lanes below the count. */
  #mask(): Vector {
    const g = this.#graph
    const lane = this.#emitter.newLocal('v128')
    const limit = this.#emitter.newLocal('v128')
    this.#emitter.get(countLocal)
    this.#emitter.simd(simd['i32x4.splat'])
    this.#emitter.set(limit)
    this.#starts.push([lane, g.i32(0, 1)])
    this.#updates.push([lane, g.op('i32x4.add', g.variable(lane), g.i32(4))])
    return g.op('i32x4.lt_s', g.variable(lane), g.variable(limit))
  }

  #lanes(id: number): Lanes {
    const g = this.#graph
    const node = this.#program.nodes[id] as KernelProgram['nodes'][number]
    switch (node.kind) {
      case 'input':
        return this.#loaded(this.#layout.inputs[node.slot] as Slot)
      case 'parameter': {
        const value = g.splat((this.#layout.parameters[node.index] as Slot).address)
        return bytesPer(node.dtype) === 8 ? [value, value] : [value]
      }
      case 'position':
        return this.#position()
      case 'random': {
        const { mantissas, next } = randomLanes(this.#m, this.#stream(id))
        this.#updates.push(...next)
        const lanes = uniformLanes(this.#m, mantissas)
        if (node.distribution === 'normal') return normalLanes(this.#m, lanes)
        this.#mantissas.set(id, mantissas)
        return lanes
      }
      case 'cast':
        return convertLanes(g, this.#program.dtype(node.args[0]), node.dtype, this.#values[node.args[0]] as Lanes)
      case 'operation':
        return vectorOperation(
          this.#m,
          node.name,
          node.operand,
          node.args.map((arg) => this.#values[arg] as Lanes),
        )
    }
  }

  #stream(id: number): RandomState {
    const node = this.#program.nodes[id] as Extract<KernelProgram['nodes'][number], { kind: 'random' }>
    const word = (): readonly [number, number] => [this.#emitter.newLocal('v128'), this.#emitter.newLocal('v128')]
    const counter = this.#emitter.newLocal('v128')
    const state = {
      words: [word(), word(), word(), [counter, counter] as const],
      keyAddress: (this.#layout.parameters[node.key] as Slot).address,
    }
    this.#random.set(String(id), state)
    return state
  }

  #position(): Lanes {
    const g = this.#graph
    const first = g.splat(positionAddress)
    return [0, 2].map((at) => {
      const local = this.#emitter.newLocal('v128')
      this.#starts.push([local, g.op('f64x2.add', first, g.f64(at, at + 1))])
      this.#updates.push([local, g.op('f64x2.add', g.variable(local), g.f64(4))])
      return g.variable(local)
    })
  }

  #loaded({ dtype, address }: Slot): Lanes {
    const g = this.#graph
    const width = bytesPer(dtype)
    if (width === 8) return [g.load(address, 8, 16), g.load(address + 16, 8, 16)]
    if (width === 4) return [g.load(address, 4, 16)]
    const sign = dtype === 'i8' || dtype === 'i16' ? 's' : 'u'
    const halves = width === 2 ? g.load(address, 2, 8) : g.op(`i16x8.extend_low_i8x16_${sign}`, g.load(address, 1, 4))
    const words = g.op(`i32x4.extend_low_i16x8_${sign}`, halves)
    if (dtype === 'f16') return [halfFromBitLanes(g, words)]
    return dtype === 'bool' ? [g.op('i32x4.ne', words, g.i32(0))] : [words]
  }

  #stored(lanes: Lanes, slot: Slot): { lanes: Lanes; slot: Slot } {
    const g = this.#graph
    if (bytesPer(slot.dtype) > 2) return { lanes, slot }
    const [value] = lanes as [Vector]
    const words =
      slot.dtype === 'bool' ? g.op('v128.and', value, g.i32(1)) : slot.dtype === 'f16' ? bitLanesOfHalf(g, value) : value
    const sign = slot.dtype === 'i8' || slot.dtype === 'i16' ? 's' : 'u'
    const halves = g.op(`i16x8.narrow_i32x4_${sign}`, words, words)
    return { lanes: [bytesPer(slot.dtype) === 2 ? halves : g.op(`i8x16.narrow_i16x8_${sign}`, halves, halves)], slot }
  }
}

/** A parameter as the 16 bytes that a kernel splats: its value in every lane. */
export function writeParameter(memory: DataView, { dtype, address }: Slot, value: number | bigint): void {
  if (dtype === 'f64') return memory.setFloat64(address, value as number, true)
  if (isBig(dtype)) return memory.setBigInt64(address, BigInt.asIntN(64, BigInt(value)), true)
  for (const at of [address, address + 4]) {
    if (dtype === 'f32' || dtype === 'f16') memory.setFloat32(at, value as number, true)
    else memory.setInt32(at, dtype === 'bool' ? -Number(value !== 0) : Number(value) | 0, true)
  }
}
