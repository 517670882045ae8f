/**
 * The inner part of a matrix product, C += A B, on tiles that lie packed in a memory of their own: panels of four rows of A and of four
 * columns of B, so that every load reads what comes next. Four by four sums stay in registers (Goto and van de Geijn, "Anatomy of
 * high-performance matrix multiplication", ACM TOMS 34, 2008).
 */
import { ModuleEncoder, sleb, uleb, type ValueType } from './encoder.ts'
import { op, simd, simdImmediate } from './opcodes.ts'
import { Instance, Memory, Module, type WasmFunction } from './runtime.ts'

/** Rows and columns of the largest tile, and how much of the inner length is packed at once: three of them fit the second-level cache. */
export const tileLength = 256
/** Rows of A and columns of B in a panel. */
export const panelLength = 4

const tileBytes = 8 * tileLength * tileLength
const rowBytes = 8 * tileLength
const address = { a: 0, b: tileBytes, c: 2 * tileBytes }

/** The tiles of one thread. */
export interface ProductTiles {
  readonly a: Float64Array
  readonly b: Float64Array
  /** Rows of {@link tileLength}. */
  readonly c: Float64Array
  /** C += A B. @param depth the inner length, from 1 */
  multiply(depth: number, rowPanels: number, columnPanels: number): void
}

let tiles: ProductTiles | undefined

export function productTiles(): ProductTiles {
  if (tiles) return tiles
  const memory = new Memory({ initial: (3 * tileBytes) / 65_536, maximum: (3 * tileBytes) / 65_536 })
  const { exports } = new Instance(new Module(encode()), { env: { memory } })
  const view = (at: number): Float64Array => new Float64Array(memory.buffer, at, tileLength * tileLength)
  tiles = {
    a: view(address.a),
    b: view(address.b),
    c: view(address.c),
    multiply: exports['multiply'] as WasmFunction as ProductTiles['multiply'],
  }
  return tiles
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
const sums = Array.from({ length: 8 }, (_, i) => 10 + i)
const [left, right, splat] = [18, 19, 20] as const

function encode(): Uint8Array<ArrayBuffer> {
  const module = new ModuleEncoder()
  module.importMemory({ minPages: 1, maxPages: 65_536, shared: false })
  const locals = [...Array.from({ length: counters }, () => 'i32'), ...Array.from({ length: 11 }, () => 'v128')] as ValueType[]
  module.addFunction({ params: ['i32', 'i32', 'i32'], results: [] }, locals, new ProductCode().emit(), 'multiply')
  return module.encode()
}

class ProductCode {
  readonly #code: number[] = []

  emit(): number[] {
    this.#set(column, () => this.#i32(0))
    this.#loop(column, columnPanels, () => {
      this.#set(firstB, () => this.#panel(column, address.b))
      this.#set(row, () => this.#i32(0))
      this.#loop(row, rowPanels, () => this.#block())
    })
    return this.#code
  }

  /** One block of four by four. */
  #block(): void {
    this.#set(a, () => this.#panel(row, address.a))
    this.#set(endA, () => {
      this.#get(a)
      this.#get(depth)
      this.#i32(8 * panelLength)
      this.#code.push(op.i32Mul, op.i32Add)
    })
    this.#set(b, () => this.#get(firstB))
    this.#set(c, () => {
      this.#get(row)
      this.#i32(panelLength * rowBytes)
      this.#code.push(op.i32Mul)
      this.#get(column)
      this.#i32(8 * panelLength)
      this.#code.push(op.i32Mul, op.i32Add)
    })
    const place = (sum: number): number => address.c + Math.floor(sum / 2) * rowBytes + 16 * (sum % 2)
    sums.forEach((local, i) => this.#set(local, () => this.#load(simdImmediate.load, c, place(i))))
    this.#code.push(op.loop, op.empty)
    // One step per round: V8 moves all loads of a straight run to its beginning, and spills what does not fit the registers.
    this.#step()
    this.#advance(b, 8 * panelLength)
    this.#advance(a, 8 * panelLength)
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
    this.#set(left, () => this.#load(simdImmediate.load, b, 0))
    this.#set(right, () => this.#load(simdImmediate.load, b, 16))
    for (let r = 0; r < panelLength; r++) {
      this.#set(splat, () => this.#load(simdImmediate.load64Splat, a, 8 * r))
      for (const [half, factor] of [left, right].entries()) {
        const sum = sums[2 * r + half] as number
        this.#set(sum, () => {
          this.#get(sum)
          this.#get(splat)
          this.#get(factor)
          this.#simd(simd['f64x2.mul'])
          this.#simd(simd['f64x2.add'])
        })
      }
    }
  }

  /** The address of a panel. */
  #panel(index: number, base: number): void {
    this.#get(index)
    this.#get(depth)
    this.#i32(8 * panelLength)
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
    uleb(3, this.#code)
    uleb(offset, this.#code)
  }

  #simd(opcode: number): void {
    this.#code.push(0xfd)
    uleb(opcode, this.#code)
  }
}
