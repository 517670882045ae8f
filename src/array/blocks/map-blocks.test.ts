/** Functions of blocks: which blocks they see, what they may give, and that only the blocks are made that are needed. */
import { expect, test } from 'vitest'
import * as da from '../index.ts'
import { workers } from '../../workers/define.ts'

const here = { threads: 0 } as const
const list = async (x: da.NDArray): Promise<unknown> => {
  const result = await x.compute(here)
  return result instanceof da.Dense ? result.toArray() : result
}
const matrix = (rows: number, columns: number): da.NDArray<'f64', 'array'> => da.arange(rows * columns).reshape(rows, columns)
const double = ({ data }: da.Block): Float64Array => (data as Float64Array).map((value) => 2 * value)

test('each block goes through the function, whatever the blocks', async () => {
  const x = matrix(7, 5)
  for (const chunks of [
    3,
    [3, 2],
    [-1, 2],
    [
      [1, 6],
      [4, 1],
    ],
    [7, 5],
  ] as da.Chunks[]) {
    expect(await list(da.mapBlocks(x.rechunk(chunks), double))).toEqual(await list(x.multiply(2)))
  }
})

test('the function learns which block it is', async () => {
  const seen: da.BlockInfo[] = []
  const x = matrix(4, 6).rechunk([3, 4])
  await da
    .mapBlocks(x, (block, info) => {
      seen.push(info)
      return block.data
    })
    .compute(here)
  seen.sort((a, b) => String(a.index).localeCompare(String(b.index)))
  expect(seen).toEqual([
    { index: [0, 0], start: [0, 0], stop: [3, 4], shape: [3, 4] },
    { index: [0, 1], start: [0, 4], stop: [3, 6], shape: [3, 2] },
    { index: [1, 0], start: [3, 0], stop: [4, 4], shape: [1, 4] },
    { index: [1, 1], start: [3, 4], stop: [4, 6], shape: [1, 2] },
  ])
})

test('several arrays are broadcast; their blocks lie at the same place', async () => {
  const x = matrix(4, 6).rechunk([2, 3])
  const row = da.arange(6)
  const shapes: string[] = []
  const sum = da.mapBlocks<'f64'>([x, row], (a: da.Block, b: da.Block) => {
    shapes.push(`${a.shape.join('×')} ${b.shape.join('×')}`)
    return (a.data as Float64Array).map((value, i) => value + Number(b.data[i % 3]))
  })
  expect(await list(sum)).toEqual(await list(x.add(row)))
  expect(new Set(shapes)).toEqual(new Set(['2×3 3']))
})

test('axes may go, come, and change their length', async () => {
  const x = matrix(4, 6).rechunk([2, -1])
  const sums = da.mapBlocks(
    x,
    ({ data, shape }) =>
      Array.from({ length: shape[0] as number }, (_, r) =>
        (data as Float64Array).slice(6 * r, 6 * r + 6).reduce((a, b) => a + b),
      ),
    { dropAxis: 1 },
  )
  expect(sums.shape).toEqual([4])
  expect(await list(sums)).toEqual(await list(x.sum({ axis: 1 })))
  const stacked = da.mapBlocks(x, ({ data }) => data, { newAxis: 0 })
  expect(stacked.shape).toEqual([1, 4, 6])
  const first = da.mapBlocks(x, ({ data }) => data.slice(0, 6), { chunks: [1, -1] })
  expect(await list(first)).toEqual([
    [0, 1, 2, 3, 4, 5],
    [12, 13, 14, 15, 16, 17],
  ])
})

test('only the blocks are made that are read', async () => {
  const made: string[] = []
  const x = da.fromDelayed(
    [100, 100],
    ({ index, shape, start }) => {
      made.push(index.join())
      return Float64Array.from(
        { length: (shape[0] as number) * (shape[1] as number) },
        (_, i) =>
          100 * ((start[0] as number) + Math.floor(i / (shape[1] as number))) + (start[1] as number) + (i % (shape[1] as number)),
      )
    },
    { chunks: [10, 25] },
  )
  expect(made).toEqual([])
  expect(await list(x.get('15:17', '30:32'))).toEqual([
    [1530, 1531],
    [1630, 1631],
  ])
  expect(made).toEqual(['1,1'])
  expect(await x.get('::-1').T.multiply(2).get(99, 0).compute(here)).toBe(2 * 9999)
  expect(made).toEqual(['1,1', '9,3'])
  made.length = 0
  const halves = x.get('1:').subtract(x.get(':-1')).get('9:11', ':1')
  expect(await list(halves)).toEqual([[100], [100]])
  expect(new Set(made)).toEqual(new Set(['0,0', '1,0']))
  made.length = 0
  expect(await x.sum().compute(here)).toBe((9999 * 10000) / 2)
  expect(made.length).toBe(40)
})

test('a mean below is computed once, not for each block', async () => {
  let calls = 0
  const source = da.fromDelayed([8], ({ start }) => (calls++, [Number(start[0]), Number(start[0]) + 1]), { chunks: 2 })
  const centred = da.mapBlocks(source.subtract(source.mean()).rechunk(2), ({ data }) => data)
  expect(await list(centred)).toEqual([-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5])
  // Four for the mean, and four for the blocks.
  expect(calls).toBeLessThanOrEqual(8)
})

test('what the function gives must be the block', async () => {
  const x = da.arange(6).rechunk(3)
  const fails = async (fn: (block: da.Block) => unknown, options?: da.MapBlocksOptions): Promise<string> =>
    da
      .mapBlocks(x, fn as never, options)
      .compute(here)
      .then(
        () => 'no error',
        (error: Error) => error.message,
      )
  expect(await fails(() => new Float64Array(2))).toMatch('to give 3 elements of f64 for block [0], got 2 elements')
  expect(await fails(() => new Float32Array(3))).toMatch('Float32Array')
  expect(await fails(() => undefined)).toMatch('got undefined')
  expect(await fails(() => [1, 'two', 3])).toMatch('two')
  expect(await fails(() => ({ data: new Float64Array(3), shape: [1, 3] }))).toMatch('a block of shape (1, 3) instead of (3,)')
  expect(await fails(() => [1.5, 300, 2], { dtype: 'u8' })).toMatch('from 0 to 255')
  expect(
    await fails(() => {
      throw new Error('mine')
    }),
  ).toBe('mine')
})

test('wrong arguments are named', () => {
  const x = da.arange(6).rechunk(3)
  expect(() => da.mapBlocks([], () => [])).toThrow('at least one array')
  expect(() => da.mapBlocks(x, 3 as never)).toThrow('Expected `fn` of mapBlocks to be a function')
  expect(() => da.mapBlocks(x, double, { dropAxis: 0 })).toThrow('to be one block, got 2')
  expect(() => da.mapBlocks(x, double, { chunk: 3 } as never)).toThrow('Unknown option `chunk`')
  expect(() => da.mapBlocks(x.get(x.greater(2)), double)).toThrow('unknown length')
  expect(() => x.rechunk([2, 2])).toThrow('an entry for each of the 1 axes')
  expect(() => x.rechunk([[2, 2]])).toThrow('got [2, 2] for an axis of 6')
  expect(() => x.rechunk(0)).toThrow('whole number from 1 up')
})

test('blocks of no elements, of no axes, and of masks after persist', async () => {
  expect(await list(da.mapBlocks(da.zeros([0, 3]), double))).toEqual([])
  expect(await list(da.mapBlocks(da.from(3) as da.NDArray<'f64', 'array'>, double))).toBe(6)
  const x = da.arange(10)
  const known = await x.get(x.greater(6.5)).persist(here)
  expect(await list(da.mapBlocks(known, double))).toEqual([14, 16, 18])
})

test('chunks, numblocks and rechunk agree; elementwise operations keep the blocks', () => {
  const x = matrix(7, 5).rechunk([[1, 6], 2])
  expect(x.chunks).toEqual([
    [1, 6],
    [2, 2, 1],
  ])
  expect(x.numblocks).toEqual([2, 3])
  expect(x.add(1).sqrt().astype('f32').chunks).toEqual(x.chunks)
  expect(da.zeros([3_000, 2_000]).chunks[0]?.[0]).toBe(524)
  expect(da.zeros([1, 5_000_000]).numblocks).toEqual([1, 5])
})

test('blocks come one after the other, and what was ahead ends when one leaves', async () => {
  let made = 0
  const x = da.fromDelayed([10, 4], ({ shape }) => (made++, Array.from({ length: (shape[0] as number) * 4 }, () => made)), {
    chunks: 3,
  })
  const shapes: string[] = []
  for await (const { shape, start } of x.add(1).rechunk([3, 4])) shapes.push(`${start.join()}: ${shape.join('×')}`)
  expect(shapes).toEqual(['0,0: 3×4', '3,0: 3×4', '6,0: 3×4', '9,0: 1×4'])
  made = 0
  for await (const { index } of x.rechunk([3, 4]).blocks(here)) if (index[0] === 1) break
  expect(made).toBeLessThanOrEqual(3)
  const stop = new AbortController()
  const taking = (async () => {
    for await (const { index } of x.rechunk([3, 4]).blocks({ ...here, signal: stop.signal })) if (index[0] === 0) stop.abort()
  })()
  await expect(taking).rejects.toThrow(/cancelled|aborted/i)
})

test('cancellation stops between blocks', async () => {
  const stop = new AbortController()
  let made = 0
  const x = da.fromDelayed(
    [1_000],
    async () => {
      if (++made === 5) stop.abort()
      await new Promise((resolve) => setImmediate(resolve))
      return [1]
    },
    { chunks: 1, concurrency: 2 },
  )
  await expect(x.sum().compute({ ...here, signal: stop.signal })).rejects.toMatchObject({ name: 'Cancelled' })
  expect(made).toBeLessThan(20)
})

test('a failure stops the other blocks', async () => {
  let made = 0
  const x = da.fromDelayed(
    [1_000],
    () => {
      if (++made === 5) throw new Error('no more')
      return [1]
    },
    { chunks: 1 },
  )
  await expect(x.compute(here)).rejects.toThrow('no more')
  expect(made).toBeLessThan(20)
})

test('functions on workers get the elements without a copy', async () => {
  const { scaled } = workers<typeof import('./block-worker.fixture.ts')>(new URL('./block-worker.fixture.ts', import.meta.url))
  const x = await da.random([10_000], { seed: 1 }).persist(here)
  const y = da.mapBlocks(x.rechunk(1_000), scaled)
  expect((await y.compute()).data).toEqual((await x.multiply(3).compute(here)).data)
})

test('parts of arrays that are large enough to be dropped are made once, and dropped when nothing needs them', async () => {
  let made = 0
  const x = da.fromDelayed(
    [1_000_000],
    ({ shape, start }) => (made++, new Float64Array(shape[0] as number).fill(start[0] as number)),
    {
      chunks: 100_000,
    },
  )
  expect(await x.get(':200000').sum().compute(here)).toBe(100_000 * 100_000)
  expect(made).toBe(2)
  const sum = da.cumsum(x.get(':300000'))
  expect(
    await sum
      .add(x.get('300000:600000'))
      .get(-1)
      .compute({ ...here, memoryLimit: '500MB' }),
  ).toBe(30e9 + 500_000)
})

test('blocks that have been taken do not stay in memory', async () => {
  const x = da.fromDelayed([4_000_000], ({ shape }) => new Float64Array(shape[0] as number), { chunks: 200_000 })
  let taken = 0
  // Each needs its own 1.6 MB; the limit counts what the computation holds.
  for await (const { data } of x
    .add(1)
    .rechunk(200_000)
    .blocks({ ...here, memoryLimit: '9MB' }))
    taken += data.length
  expect(taken).toBe(4_000_000)
})
