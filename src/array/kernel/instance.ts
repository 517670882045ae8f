/** Compiled kernels on this thread: one private memory for all of them, and each instantiated once. */
import { bytesPer, typedArray, type TypedArray } from '../dtype.ts'
import { bigQuotient, bigRemainder, ieeePow, operations } from '../elementwise.ts'
import { Instance, Memory, Module, type WasmFunction } from '../wasm/runtime.ts'
import { type Kernel, positionAddress, type Slot, writeParameter } from './compile.ts'

const pageBytes = 65_536

/** Scalar functions by the names under which kernels import them; those of 64-bit whole numbers get bigints. */
const scalarFunctions = {
  ...Object.fromEntries(Object.entries(operations).map(([name, { f }]) => [name, f])),
  pow: ieeePow,
  'floorDivide.i64': bigQuotient,
  'remainder.i64': bigRemainder,
}

/** A memory for kernels. Keeps its buffer at hand: to ask the memory for it costs as much as a hundred elements. */
class KernelMemory {
  readonly memory
  buffer: ArrayBuffer

  constructor(pages: number) {
    this.memory = new Memory({ initial: pages, maximum: 65_536 })
    this.buffer = this.memory.buffer
  }

  /** Makes room; views of the old buffer die. */
  grow(bytes: number): void {
    const missing = Math.ceil((bytes - this.buffer.byteLength) / pageBytes)
    if (missing <= 0) return
    this.memory.grow(missing)
    this.buffer = this.memory.buffer
  }
}

const sharedByKernels = new KernelMemory(16)
const instances = new Map<string, KernelInstance>()

export class KernelInstance {
  readonly kernel: Kernel
  readonly #memory: KernelMemory
  readonly #run: WasmFunction
  readonly #tail: WasmFunction | undefined
  #buffer: ArrayBuffer | undefined
  #inputs: TypedArray[] = []
  #outputs: TypedArray[] = []
  #view = new DataView(new ArrayBuffer(0))
  #doubles = new Float64Array(0)

  constructor(kernel: Kernel, memory: KernelMemory) {
    this.kernel = kernel
    this.#memory = memory
    memory.grow(kernel.memoryBytes)
    const { exports } = new Instance(new Module(kernel.bytes), {
      env: { memory: memory.memory, ...scalarFunctions },
    })
    this.#run = exports['run'] as WasmFunction
    this.#tail = exports['tail']
  }

  /** The block of an input: where the next run reads it. */
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

  /** Runs over the `count` elements in the slots; `position` is that of the first one, for what depends on it. */
  run(count: number, position: number): void {
    this.doubles[positionAddress / 8] = position
    if (this.#tail && count % 4 !== 0) this.#tail(count)
    else this.#run(count)
  }

  /** Views die when the memory grows. */
  #refresh(): void {
    const { buffer } = this.#memory
    if (this.#buffer === buffer) return
    this.#buffer = buffer
    const views = (slots: readonly Slot[]): TypedArray[] =>
      slots.map(({ dtype, address }) => typedArray(dtype, buffer, address / bytesPer(dtype), this.kernel.blockLength))
    this.#inputs = views(this.kernel.inputs)
    this.#outputs = views(this.kernel.outputs)
    this.#view = new DataView(buffer)
    this.#doubles = new Float64Array(buffer)
  }
}

/** Instances that one thread keeps; the oldest goes first. */
const keptInstances = 256

/**
 * The kernel on this thread, ready to run. All kernels share one memory, so parameters and slots hold only until another
 * one runs.
 */
export function instantiate(kernel: Kernel): KernelInstance {
  const known = instances.get(kernel.key)
  if (known) return known
  const made = new KernelInstance(kernel, sharedByKernels)
  if (instances.size >= keptInstances) instances.delete(instances.keys().next().value as string)
  instances.set(kernel.key, made)
  return made
}

/** The kernel with a memory of its own, for what has to run between two runs of another one. */
export function instantiateApart(kernel: Kernel): KernelInstance {
  return new KernelInstance(kernel, new KernelMemory(1))
}
