/**
 * Compiled kernels on this thread: one private memory for all of them, and each instantiated once. Those that read elements in place
 * are instantiated over the memory of the elements, for one pass.
 */
import { bytesPer, typedArray, type TypedArray } from '../expression/dtype.ts'
import {
  bigPower,
  bigQuotient,
  bigRemainder,
  bigShiftLeft,
  bigShiftRight,
  ieeePow,
  nextafter16,
  nextafter32,
  shiftLeft,
  shiftRight,
  wholePower,
} from '../expression/scalar.ts'
import { operations } from '../expression/elementwise.ts'
import { type Home, type Place, placeBytes } from '../memory/memory.ts'
import { Instance, Memory, Module, pageBytes, type WasmFunction, type WasmMemory } from '../wasm/runtime.ts'
import { type Kernel, positionAddress, type Slot, writeParameter } from './compile.ts'

type Big = (a: bigint, b: bigint) => bigint
/** WebAssembly gives whole numbers of 64 bits with a sign. */
const unsigned =
  (f: Big): Big =>
  (a, b) =>
    f(BigInt.asUintN(64, a), BigInt.asUintN(64, b))

/** Scalar functions by the names under which kernels import them; those of 64-bit whole numbers get bigints. */
const scalarFunctions = {
  ...Object.fromEntries(Object.entries(operations).map(([name, { f }]) => [name, f])),
  pow: ieeePow,
  'floorDivide.i64': bigQuotient,
  'remainder.i64': bigRemainder,
  'power.i64': bigPower,
  'leftShift.i64': bigShiftLeft,
  'rightShift.i64': bigShiftRight,
  'floorDivide.u64.i64': unsigned(bigQuotient),
  'remainder.u64.i64': unsigned(bigRemainder),
  'power.u64.i64': unsigned(bigPower),
  'leftShift.u64.i64': unsigned(bigShiftLeft),
  'rightShift.u64.i64': unsigned(bigShiftRight),
  'power.whole': wholePower,
  'leftShift.whole': shiftLeft,
  'rightShift.whole': shiftRight,
  'nextafter.f32': nextafter32,
  'nextafter.f16': nextafter16,
}

/** A memory for kernels. Keeps its buffer at hand: to ask the memory for it costs as much as a hundred elements. */
class KernelMemory {
  readonly memory: WasmMemory
  buffer: ArrayBuffer

  constructor(memory: WasmMemory) {
    this.memory = memory
    this.buffer = memory.buffer
  }

  static ofPages(initial: number, shared = false): KernelMemory {
    return new KernelMemory(new Memory({ initial, maximum: 65_536, shared }))
  }

  /** Makes room; views of the old buffer die. */
  grow(bytes: number): void {
    const missing = Math.ceil((bytes - this.buffer.byteLength) / pageBytes)
    if (missing <= 0) return
    this.memory.grow(missing)
    this.buffer = this.memory.buffer
  }
}

const privateMemory = KernelMemory.ofPages(16)
/** For kernels in place whose elements have to be fetched first: behind the parameters and results lies a window of them. */
let fetched: KernelMemory | undefined
const windowAddress = placeBytes
/** System calls for less cost more per byte (64 KiB: half as much again); more would push the kernel's input out of the caches. */
const windowBytes = 512 << 10

/** Modules and instances that one thread keeps; the oldest go first. */
const kept = 256
const modules = new Map<string, object>()
const instances = new Map<string, KernelInstance>()

function remember<V>(known: Map<string, V>, key: string, make: () => V): V {
  const value = known.get(key) ?? make()
  if (!known.has(key) && known.size >= kept) known.delete(known.keys().next().value as string)
  known.set(key, value)
  return value
}

export class KernelInstance {
  readonly kernel: Kernel
  readonly #memory: KernelMemory
  /** Where the parameters and results begin. */
  readonly #fixed: number
  /** Where the next block begins, for a kernel in place. */
  #block = 0
  readonly #run: WasmFunction
  readonly #tail: WasmFunction | undefined
  #buffer: ArrayBuffer | undefined
  #inputs: TypedArray[] = []
  #outputs: TypedArray[] = []
  #view = new DataView(new ArrayBuffer(0))
  #doubles = new Float64Array(0)

  constructor(kernel: Kernel, memory: KernelMemory, fixed = 0) {
    this.kernel = kernel
    this.#memory = memory
    this.#fixed = fixed
    const module = remember(modules, kernel.key, () => new Module(kernel.bytes))
    const { exports } = new Instance(module, { env: { memory: memory.memory, ...scalarFunctions } })
    this.#run = exports['run'] as WasmFunction
    this.#tail = exports['tail']
  }

  /** The block of an input: where the next run reads it, unless in place. */
  input(index: number): TypedArray {
    this.#refresh()
    return this.#inputs[index] as TypedArray
  }

  /** The block of an output: where the last run wrote it. */
  output(index: number): TypedArray {
    this.#refresh()
    return this.#outputs[index] as TypedArray
  }

  get view(): DataView {
    this.#refresh()
    return this.#view
  }

  /** The whole memory as doubles. */
  get doubles(): Float64Array {
    this.#refresh()
    return this.#doubles
  }

  setParameters(values: readonly (number | bigint)[]): void {
    const { view } = this
    values.forEach((value, i) => writeParameter(view, this.kernel.parameters[i] as Slot, value))
  }

  /** Room for more elements of an input than one run takes; for a kernel in place over a memory of this thread. */
  window(): TypedArray {
    const [{ dtype }] = this.kernel.inputs as readonly [Slot]
    return typedArray(dtype, this.#memory.buffer, windowAddress / bytesPer(dtype), windowBytes / bytesPer(dtype))
  }

  /** Where the next run of a kernel in place finds its input, in bytes. */
  at(block: number): void {
    this.#block = block
  }

  /** Runs over the `count` elements in the slots; `position` is that of the first one, for what depends on it. */
  run(count: number, position: number): void {
    this.doubles[positionAddress / 8] = position
    const run = this.#tail && count % 4 !== 0 ? this.#tail : this.#run
    if (this.kernel.inPlace) run(count, this.#fixed, this.#block)
    else run(count)
  }

  /** Views die when the memory grows. */
  #refresh(): void {
    const { buffer } = this.#memory
    if (this.#buffer === buffer) return
    this.#buffer = buffer
    const views = (slots: readonly Slot[]): TypedArray[] =>
      slots.map(({ dtype, address }) => typedArray(dtype, buffer, address / bytesPer(dtype), this.kernel.blockLength))
    this.#inputs = this.kernel.inPlace ? [] : views(this.kernel.inputs)
    this.#outputs = views(this.kernel.outputs)
    this.#view = new DataView(buffer, this.#fixed)
    this.#doubles = new Float64Array(buffer, this.#fixed)
  }
}

/**
 * The kernel on this thread, ready to run. All kernels share one memory, so parameters and slots hold only until another
 * one runs.
 */
export function instantiate(kernel: Kernel): KernelInstance {
  return remember(instances, kernel.key, () => {
    if (!kernel.inPlace) return instantiateIn(privateMemory, kernel)
    // A kernel may run over up to three elements more than there are.
    fetched ??= KernelMemory.ofPages(Math.ceil((windowAddress + windowBytes) / pageBytes) + 1, true)
    return new KernelInstance(kernel, fetched)
  })
}

/** The kernel with a memory of its own, for what has to run between two runs of another one. */
export function instantiateApart(kernel: Kernel): KernelInstance {
  return instantiateIn(KernelMemory.ofPages(1), kernel)
}

function instantiateIn(memory: KernelMemory, kernel: Kernel): KernelInstance {
  memory.grow(kernel.memoryBytes)
  return new KernelInstance(kernel, memory)
}

/** The kernel over elements where they lie; {@link KernelInstance.at} says which block. */
export function instantiateInPlace(kernel: Kernel, { memory }: Home, { address }: Place): KernelInstance {
  return new KernelInstance(kernel, new KernelMemory(memory), address)
}
