/** Exchange with other libraries, as they define their values. */
import { makeVector } from 'apache-arrow'
import { expect, test } from 'vitest'
import * as da from '../index.ts'

const here = { threads: 0 } as const
const list = async (x: da.NDArray): Promise<unknown> => ((await x.compute(here)) as da.Dense).toArray()

test('tensors of onnxruntime there and back, of every dtype', async () => {
  for (const dtype of ['f64', 'f32', 'i64', 'i32', 'u8', 'bool'] as const) {
    const x = da.arange(6).remainder(2).reshape(2, 3).astype(dtype)
    const { type, data, dims } = da.toTensor((await x.compute(here)) as da.Dense)
    expect(dims).toEqual([2, 3])
    expect(data.buffer).toBeInstanceOf(ArrayBuffer)
    expect(await list(da.fromTensor({ type, data, dims }))).toEqual(await list(x))
    expect(da.fromTensor({ type, data, dims }).dtype).toBe(dtype)
  }
  expect(() => da.fromTensor({ type: 'string', data: ['a'], dims: [1] })).toThrow('a typed array as its data')
  expect(() => da.fromTensor({ type: 'float32', data: new Float64Array(1), dims: [1] })).toThrow(
    'Arrays cannot hold a tensor of float32',
  )
  expect(() => da.fromTensor({ type: 'float64', data: new Float64Array(1), dims: [2] })).toThrow('lead out of 1 elements')
  expect(() => da.toTensor(da.ones(2) as never)).toThrow('Expected toTensor to get what `compute` gives')
})

test('strided arrays, without a copy where their memory is shared', async () => {
  const data = new Float64Array(new SharedArrayBuffer(48)).map((_, i) => i)
  const shared = new Float64Array(new SharedArrayBuffer(48))
  shared.set(data)
  const x = da.fromTensor({ data: shared, shape: [2, 2], stride: [-3, 1], offset: 4 })
  expect(await list(x)).toEqual([
    [4, 5],
    [1, 2],
  ])
  shared[4] = 40
  expect(await list(x)).toEqual([
    [40, 5],
    [1, 2],
  ])
  expect(() => da.fromTensor({ data: shared, shape: [2, 2], stride: [-3, 1], offset: 1 })).toThrow('lead out of 6 elements')
})

test('results go to Arrow as they are', async () => {
  const { data } = (await da.arange(4).compute(here)) as da.Dense<'f64'>
  expect([...makeVector(data)]).toEqual([0, 1, 2, 3])
})
