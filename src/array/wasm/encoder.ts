/**
 * Writes WebAssembly modules, as far as array kernels need them: one memory, imported functions, functions with
 * locals, loops, branches and 128-bit SIMD. The format is that of the WebAssembly core specification 2.0
 * (https://www.w3.org/TR/wasm-core-2/); section and opcode numbers are from there.
 */

export const valueTypes = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const
export type ValueType = keyof typeof valueTypes

export interface Signature {
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
}

export interface MemoryImport {
  /** Pages of 64 KiB that the memory must have at least. */
  readonly minPages: number
  readonly maxPages: number
  readonly shared: boolean
}

interface FunctionImport extends Signature {
  readonly name: string
}

interface FunctionBody extends Signature {
  readonly exportName: string | undefined
  readonly locals: readonly ValueType[]
  readonly code: readonly number[]
}

/** Unsigned LEB128. Works to 2^53, so sizes and 32-bit immediates need no BigInt. */
export function uleb(value: number, out: number[]): void {
  // Nearly all: most kernels are encoded by code that has not been compiled itself.
  if (value < 128) return void out.push(value)
  let left = value
  do {
    const byte = left % 128
    left = Math.floor(left / 128)
    out.push(left > 0 ? byte | 0x80 : byte)
  } while (left > 0)
}

/** Signed LEB128 of a 32-bit or 64-bit integer. */
export function sleb(value: bigint, out: number[]): void {
  let left = value
  for (;;) {
    const byte = Number(left & 0x7fn)
    left >>= 7n
    const done = (left === 0n && byte < 0x40) || (left === -1n && byte >= 0x40)
    out.push(done ? byte : byte | 0x80)
    if (done) return
  }
}

function text(value: string, out: number[]): void {
  const bytes = new TextEncoder().encode(value)
  uleb(bytes.length, out)
  out.push(...bytes)
}

/**
 * A module under construction. Imports come before functions in the index space, so all imports must be declared
 * before the first function is added.
 */
export class ModuleEncoder {
  readonly #types: Signature[] = []
  readonly #imports: FunctionImport[] = []
  readonly #functions: FunctionBody[] = []
  #memory: MemoryImport | undefined

  /** The module reads and writes the memory that is imported as `env.memory`. */
  importMemory(memory: MemoryImport): void {
    this.#memory = memory
  }

  /** Imports `env.<name>`; gives its function index. The same name is imported once. */
  importFunction(name: string, signature: Signature): number {
    const known = this.#imports.findIndex((f) => f.name === name)
    if (known >= 0) return known
    if (this.#functions.length > 0) throw new RangeError('imports must come before functions')
    return this.#imports.push({ name, ...signature }) - 1
  }

  /** Adds a function; gives its index. `code` ends without the final `end`. */
  addFunction(signature: Signature, locals: readonly ValueType[], code: readonly number[], exportName?: string): number {
    return this.#imports.length + this.#functions.push({ ...signature, locals, code, exportName }) - 1
  }

  encode(): Uint8Array<ArrayBuffer> {
    const importTypes = this.#imports.map((f) => this.#type(f))
    const functionTypes = this.#functions.map((f) => this.#type(f))
    const out: number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
    section(1, this.#types, out, (type, to) => {
      to.push(0x60)
      for (const list of [type.params, type.results]) {
        uleb(list.length, to)
        for (const t of list) to.push(valueTypes[t])
      }
    })
    this.#encodeImports(importTypes, out)
    section(3, functionTypes, out, uleb)
    const exported = this.#functions.flatMap((f, i) => (f.exportName === undefined ? [] : [{ name: f.exportName, index: i }]))
    section(7, exported, out, ({ name, index }, to) => {
      text(name, to)
      to.push(0x00)
      uleb(this.#imports.length + index, to)
    })
    section(10, this.#functions, out, encodeBody)
    return new Uint8Array(out)
  }

  #encodeImports(importTypes: readonly number[], out: number[]): void {
    const entries: ((to: number[]) => void)[] = this.#imports.map((f, i) => (to) => {
      text('env', to)
      text(f.name, to)
      to.push(0x00)
      uleb(importTypes[i] as number, to)
    })
    const memory = this.#memory
    if (memory) {
      entries.push((to) => {
        text('env', to)
        text('memory', to)
        to.push(0x02, memory.shared ? 0x03 : 0x01)
        uleb(memory.minPages, to)
        uleb(memory.maxPages, to)
      })
    }
    section(2, entries, out, (write, to) => write(to))
  }

  #type(signature: Signature): number {
    const same = (a: readonly ValueType[], b: readonly ValueType[]): boolean =>
      a.length === b.length && a.every((t, i) => t === b[i])
    const known = this.#types.findIndex((t) => same(t.params, signature.params) && same(t.results, signature.results))
    return known >= 0 ? known : this.#types.push(signature) - 1
  }
}

function section<T>(id: number, entries: readonly T[], out: number[], write: (entry: T, to: number[]) => void): void {
  if (entries.length === 0) return
  const body: number[] = []
  uleb(entries.length, body)
  for (const entry of entries) write(entry, body)
  out.push(id)
  uleb(body.length, out)
  append(out, body)
}

function encodeBody(body: FunctionBody, out: number[]): void {
  const bytes: number[] = []
  // Locals are declared in runs of one type.
  const runs: { type: ValueType; count: number }[] = []
  for (const type of body.locals) {
    const last = runs.at(-1)
    if (last?.type === type) last.count++
    else runs.push({ type, count: 1 })
  }
  uleb(runs.length, bytes)
  for (const { type, count } of runs) {
    uleb(count, bytes)
    bytes.push(valueTypes[type])
  }
  append(bytes, body.code)
  bytes.push(0x0b)
  uleb(bytes.length, out)
  append(out, bytes)
}

/** `push(...bytes)` would overflow the stack for a long body, and byte by byte takes five times as long. */
export function append(out: number[], bytes: readonly number[]): void {
  if (bytes.length <= pushedAtOnce) return void out.push(...bytes)
  for (let at = 0; at < bytes.length; at += pushedAtOnce) out.push(...bytes.slice(at, at + pushedAtOnce))
}

const pushedAtOnce = 4_096
