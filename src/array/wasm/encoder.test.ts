import { expect, test } from 'vitest'
import { ModuleEncoder, sleb, uleb } from './encoder.ts'
import { op } from './opcodes.ts'
import { Instance, Memory, Module } from './runtime.ts'

test('LEB128 follows the examples of the DWARF standard', () => {
  const unsigned = (value: number): number[] => {
    const out: number[] = []
    uleb(value, out)
    return out
  }
  const signed = (value: bigint): number[] => {
    const out: number[] = []
    sleb(value, out)
    return out
  }
  expect(unsigned(2)).toEqual([2])
  expect(unsigned(127)).toEqual([127])
  expect(unsigned(128)).toEqual([0x80, 1])
  expect(unsigned(12_857)).toEqual([0xb9, 0x64])
  expect(signed(2n)).toEqual([2])
  expect(signed(-2n)).toEqual([0x7e])
  expect(signed(127n)).toEqual([0xff, 0])
  expect(signed(-128n)).toEqual([0x80, 0x7f])
})

test('a module with an import, a loop and locals of several types runs', () => {
  // sum(n) = f(0) + f(1) + … + f(n − 1)
  const encoder = new ModuleEncoder()
  encoder.importMemory({ minPages: 1, maxPages: 1, shared: false })
  const f = encoder.importFunction('f', { params: ['f64'], results: ['f64'] })
  expect(encoder.importFunction('f', { params: ['f64'], results: ['f64'] })).toBe(f)
  const [i, sum] = [1, 2]
  const code: number[] = [op.block, op.empty, op.loop, op.empty]
  code.push(op.localGet, i, op.localGet, 0, op.i32LtU, op.i32Eqz, op.brIf, 1)
  code.push(op.localGet, sum, op.localGet, i, op.f64ConvertI32U, op.call, f, op.f64Add, op.localSet, sum)
  code.push(op.localGet, i, op.i32Const, 1, op.i32Add, op.localSet, i, op.br, 0, op.end, op.end, op.localGet, sum)
  encoder.addFunction({ params: ['i32'], results: ['f64'] }, ['i32', 'f64'], code, 'sum')
  const memory = new Memory({ initial: 1, maximum: 1 })
  const { exports } = new Instance(new Module(encoder.encode()), { env: { memory, f: (x: number) => x * x } })
  expect(exports['sum']?.(5)).toBe(30)
})

test('an import after a function is refused', () => {
  const encoder = new ModuleEncoder()
  encoder.addFunction({ params: [], results: [] }, [], [])
  expect(() => encoder.importFunction('late', { params: [], results: [] })).toThrow(RangeError)
})
