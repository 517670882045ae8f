/**
 * The inner part of a matrix product, C += A B, on tiles that lie packed in a memory of their own: panels of four rows of A and of two vectors
 * of columns of B, so that every load reads what comes next. The sums of a block stay in registers (Goto and van de Geijn, "Anatomy of
 * high-performance matrix multiplication", ACM TOMS 34, 2008). f32 is multiplied in f32. Where the engine has relaxed SIMD, a multiplication and
 * an addition are one instruction, which rounds once.
 */
import { ModuleEncoder, sleb, uleb, type ValueType } from './encoder.ts'
import { op, relaxed, simd, simdImmediate } from './opcodes.ts'
import { Instance, Memory, Module, validates, type WasmFunction } from './runtime.ts'

/** What products are computed in. */
export type ProductType = 'f64' | 'f32'

/** Rows and columns of the largest tile, and how much of the inner length is packed at once: three of them fit the second-level cache. */
export const tileLength = 256
/** Rows of A in a panel. */
export const panelRows = 4
/** Columns of B in a panel: two vectors. */
export const panelColumns: Readonly<Record<ProductType, number>> = { f64: 4, f32: 8 }

/** The tiles of one thread. */
export interface ProductTiles {
  readonly a: Float64Array | Float32Array
  readonly b: Float64Array | Float32Array
  /** Rows of {@link tileLength}. */
  readonly c: Float64Array | Float32Array
  /** C += A B. @param depth the inner length, from 1 */
  multiply(depth: number, rowPanels: number, columnPanels: number): void
}

const tiles = new Map<ProductType, ProductTiles>()

export function productTiles(dtype: ProductType): ProductTiles {
  const known = tiles.get(dtype)
  if (known) return known
  const width = dtype === 'f64' ? 8 : 4
  const tileBytes = width * tileLength * tileLength
  const memory = new Memory({ initial: (3 * tileBytes) / 65_536, maximum: (3 * tileBytes) / 65_536 })
  const { exports } = new Instance(new Module(encodeProduct(dtype, canFuse())), { env: { memory } })
  const Elements = dtype === 'f64' ? Float64Array : Float32Array
  const view = (at: number): Float64Array | Float32Array => new Elements(memory.buffer, at, tileLength * tileLength)
  const made = {
    a: view(0),
    b: view(tileBytes),
    c: view(2 * tileBytes),
    multiply: exports['multiply'] as WasmFunction as ProductTiles['multiply'],
  }
  tiles.set(dtype, made)
  return made
}

let fuses: boolean | undefined

/** Whether the engine has relaxed SIMD. */
export function canFuse(): boolean {
  fuses ??= validates(encodeProduct('f64', true))
  return fuses
}

/** @param fused with multiplication and addition as one instruction of relaxed SIMD */
export function encodeProduct(dtype: ProductType, fused: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleEncoder()
  module.importMemory({ minPages: 1, maxPages: 65_536, shared: false })
  const locals = [...Array.from({ length: counters }, () => 'i32'), ...Array.from({ length: 11 }, () => 'v128')] as ValueType[]
  module.addFunction({ params: ['i32', 'i32', 'i32'], results: [] }, locals, new ProductCode(dtype, fused).emit(), 'multiply')
  return module.encode()
}

/** Locals: the parameters, then counters and pointers, then vectors. */
const depth = 0
const rowPanels = 1
const columnPanels = 2
const row = 3
const column = 4
const a = 5
const b = 6
const firstB = 7
const c = 8
const endA = 9
const counters = 7
const sums = Array.from({ length: 2 * panelRows }, (_, i) => 10 + i)
const [left, right, splat] = [18, 19, 20] as const

class ProductCode {
  readonly #code: number[] = []
  readonly #dtype: ProductType
  readonly #fused: boolean
  readonly #width: number

  constructor(dtype: ProductType, fused: boolean) {
    this.#dtype = dtype
    this.#fused = fused
    this.#width = dtype === 'f64' ? 8 : 4
  }

  emit(): number[] {
    const tileBytes = this.#width * tileLength * tileLength
    this.#set(column, () => this.#i32(0))
    this.#loop(column, columnPanels, () => {
      this.#set(firstB, () => this.#panel(column, tileBytes, this.#stepB))
      this.#set(row, () => this.#i32(0))
      this.#loop(row, rowPanels, () => this.#block())
    })
    return this.#code
  }

  /** Bytes that one step reads. */
  get #stepA(): number {
    return this.#width * panelRows
  }

  get #stepB(): number {
    return this.#width * panelColumns[this.#dtype]
  }

  /** One block of four rows by two vectors. */
  #block(): void {
    const rowBytes = this.#width * tileLength
    this.#set(a, () => this.#panel(row, 0, this.#stepA))
    this.#set(endA, () => {
      this.#get(a)
      this.#get(depth)
      this.#i32(this.#stepA)
      this.#code.push(op.i32Mul, op.i32Add)
    })
    this.#set(b, () => this.#get(firstB))
    this.#set(c, () => {
      this.#get(row)
      this.#i32(panelRows * rowBytes)
      this.#code.push(op.i32Mul)
      this.#get(column)
      this.#i32(this.#stepB)
      this.#code.push(op.i32Mul, op.i32Add)
    })
    const place = (sum: number): number => 2 * rowBytes * tileLength + Math.floor(sum / 2) * rowBytes + 16 * (sum % 2)
    sums.forEach((local, i) => this.#set(local, () => this.#load(simdImmediate.load, c, place(i))))
    this.#code.push(op.loop, op.empty)
    // One step per round: V8 moves all loads of a straight run to its beginning, and spills what does not fit the registers.
    this.#step()
    this.#advance(b, this.#stepB)
    this.#advance(a, this.#stepA)
    this.#get(a)
    this.#get(endA)
    this.#code.push(op.i32LtU, op.brIf, 0, op.end)
    sums.forEach((local, i) => {
      this.#get(c)
      this.#get(local)
      this.#memory(simdImmediate.store, place(i))
    })
  }

  #step(): void {
    const doubles = this.#dtype === 'f64'
    this.#set(left, () => this.#load(simdImmediate.load, b, 0))
    this.#set(right, () => this.#load(simdImmediate.load, b, 16))
    for (let r = 0; r < panelRows; r++) {
      this.#set(splat, () => this.#load(doubles ? simdImmediate.load64Splat : simdImmediate.load32Splat, a, this.#width * r))
      for (const [half, factor] of [left, right].entries()) {
        const sum = sums[2 * r + half] as number
        this.#set(sum, () => {
          if (!this.#fused) this.#get(sum)
          this.#get(splat)
          this.#get(factor)
          if (this.#fused) {
            this.#get(sum)
            this.#simd(doubles ? relaxed['f64x2.madd'] : relaxed['f32x4.madd'])
            return
          }
          this.#simd(simd[doubles ? 'f64x2.mul' : 'f32x4.mul'])
          this.#simd(simd[doubles ? 'f64x2.add' : 'f32x4.add'])
        })
      }
    }
  }

  /** The address of a panel. */
  #panel(index: number, base: number, stepBytes: number): void {
    this.#get(index)
    this.#get(depth)
    this.#i32(stepBytes)
    this.#code.push(op.i32Mul, op.i32Mul)
    this.#i32(base)
    this.#code.push(op.i32Add)
  }

  #loop(counter: number, end: number, body: () => void): void {
    this.#code.push(op.loop, op.empty)
    body()
    this.#advance(counter, 1)
    this.#get(counter)
    this.#get(end)
    this.#code.push(op.i32LtU, op.brIf, 0, op.end)
  }

  #advance(local: number, by: number): void {
    this.#set(local, () => {
      this.#get(local)
      this.#i32(by)
      this.#code.push(op.i32Add)
    })
  }

  #set(local: number, value: () => void): void {
    value()
    this.#code.push(op.localSet)
    uleb(local, this.#code)
  }

  #get(local: number): void {
    this.#code.push(op.localGet)
    uleb(local, this.#code)
  }

  #i32(value: number): void {
    this.#code.push(op.i32Const)
    sleb(BigInt(value), this.#code)
  }

  #load(opcode: number, pointer: number, offset: number): void {
    this.#get(pointer)
    this.#memory(opcode, offset)
  }

  #memory(opcode: number, offset: number): void {
    this.#simd(opcode)
    // The alignment that is promised, as a power of two.
    uleb(this.#dtype === 'f64' ? 3 : 2, this.#code)
    uleb(offset, this.#code)
  }

  #simd(opcode: number): void {
    this.#code.push(0xfd)
    uleb(opcode, this.#code)
  }
}
