/** Values at the edges: overflow, dtypes that stay, numbers that do not fit, and arguments as plain JavaScript passes them. */
import { expect, test } from 'vitest'
import * as da from '../index.ts'

const here = { threads: 0 } as const
const list = async (x: da.NDArray): Promise<unknown> => {
  const result = await x.compute(here)
  return result instanceof da.Dense ? result.toArray() : result
}

test('round keeps the dtype and rounds to even', async () => {
  const cases: readonly (readonly [da.NDArray, number, unknown])[] = [
    [da.from(Uint8Array.of(200, 205, 215)), 1, [200, 205, 215]],
    [da.from(Uint8Array.of(200, 205, 215)), -1, [200, 200, 220]],
    [da.from(Int32Array.of(123_456_789, -123_456_789)), 2, [123_456_789, -123_456_789]],
    [da.from(Int32Array.of(123_456_789, -150, 250)), -2, [123_456_800, -200, 200]],
    [da.from([2n ** 62n + 5n, -15n, 25n]), -1, [4611686018427387910n, -20n, 20n]],
    [da.from([2n ** 62n]), -30, [0n]],
    [da.from([1.005, 2.5, -2.345, 1e300]), 2, [1, 2.5, -2.35, 1e300]],
    [da.from([1234.5, Number.NaN, Infinity]), -2, [1200, Number.NaN, Infinity]],
    [da.from([1.5, -0.4]), 400, [1.5, -0.4]],
    [da.from(Float32Array.of(1.26)), 1, [Math.fround(1.3)]],
  ]
  for (const [x, decimals, expected] of cases) {
    const rounded = x.round(decimals)
    expect(rounded.dtype).toBe(x.dtype)
    expect(await list(rounded)).toEqual(expected)
  }
  expect(() => da.from([1]).round(0.5)).toThrow('Expected `decimals` of round to be a whole number, got 0.5 (number)')
})

test('products wrap around in 64 bits, and a zero among finite numbers makes zero', async () => {
  expect(await da.arange(1000).prod().compute(here)).toBe(0)
  expect(await da.arange(1000).astype('i32').prod().compute(here)).toBe(0)
  expect(await da.from([94_906_267n, 94_906_267n]).prod().compute(here)).toBe(9007199515875289n)
  expect(
    await list(
      da
        .from([
          [2n ** 40n, 3n],
          [2n ** 40n, -5n],
        ])
        .prod({ axis: 0 }),
    ),
  ).toEqual([0n, -15n])
  const long = da.full([10_000], 3n, { dtype: 'i64' })
  expect(await long.prod().compute(here)).toBe(BigInt.asIntN(64, 3n ** 10_000n))
  expect(await da.from(BigInt64Array.of()).prod().compute(here)).toBe(1n)
  expect(
    await list(
      da
        .from([
          [1e300, 1e300, 0],
          [0, Infinity, 1],
        ])
        .prod({ axis: 1 }),
    ),
  ).toEqual([0, Number.NaN])
  expect(await da.from([1e300, 1e300]).prod().compute(here)).toBe(Infinity)
})

test('a histogram needs a finite range, and bins that are apart', async () => {
  const counts = (x: da.NDArray, options?: da.HistogramOptions): Promise<unknown> => list(da.histogram(x, options).counts)
  await expect(counts(da.from([1, 2, Infinity]))).rejects.toThrow(
    'The range of the histogram is not finite: its elements go from 1 to Infinity',
  )
  await expect(counts(da.from([1, Number.NaN]))).rejects.toMatchObject({ code: 'HEDDLE_INVALID_OPTION' })
  await expect(list(da.histogram(da.from([1, Number.NaN])).edges)).rejects.toThrow('is not finite')
  await expect(counts(da.from([1, 1 + 2 ** -52]))).rejects.toThrow(
    'more bins than there are numbers: 10 from 1 to 1.0000000000000002',
  )
  expect(() => da.histogram(da.from([1]), { bins: 10, range: [2 ** 60, 2 ** 60 + 256] })).toThrow(
    'more bins than there are numbers',
  )
  expect(() => da.histogram(da.from([1]), { range: [0, Infinity] })).toThrow('two finite numbers in order')
  expect(() => da.histogram(da.from([1]), { bins: Infinity })).toThrow('Expected `bins` to be a whole number from 1 to')
  expect(await counts(da.from([1, 2, Infinity, Number.NaN]), { bins: 2, range: [1, 2] })).toEqual([1, 1])
  expect(await counts(da.from([]), { bins: 2 })).toEqual([0, 0])
  expect(await counts(da.from([5, 5]), { bins: 2 })).toEqual([0, 2])
  const x = da.from([1, 2, 3])
  expect(await counts(x.get(x.greater(7)), { bins: 3 })).toEqual([0, 0, 0])
})

test('whole numbers are compared as what they are', async () => {
  expect(await list(da.from([0n]).equal(2n ** 64n))).toEqual([false])
  expect(await list(da.from([2n ** 63n - 1n]).less(2n ** 63n))).toEqual([true])
  expect(await list(da.from([2n ** 63n - 1n]).equal(2n ** 63n))).toEqual([false])
  expect(await list(da.from([2n ** 60n]).equal(2 ** 60))).toEqual([true])
  const small = da.from(Uint8Array.of(0, 255))
  expect(await list(small.less(256))).toEqual([true, true])
  expect(await list(small.greaterEqual(-1))).toEqual([true, true])
  expect(await list(small.equal(256))).toEqual([false, false])
  expect(await list(da.greater(300, small))).toEqual([true, true])
  expect(await list(small.notEqual(2n ** 70n))).toEqual([true, true])
  expect(() => small.add(256)).toThrow('Expected a whole number from 0 to 255 for u8, got 256 (number)')
})

test('numbers that a dtype cannot hold are refused; lists of numbers are f64, of bigints i64', async () => {
  expect(() => da.from([2n ** 63n])).toThrow('Expected a whole number from -9223372036854775808 to 9223372036854775807 for i64')
  expect(() => da.from([324_938, -1], { dtype: 'u8' })).toThrow(
    'Expected a whole number from 0 to 255 for u8, got 324938 (number)',
  )
  expect(() => da.from([-1], { dtype: 'u8' })).toThrow('got -1 (number)')
  expect(() => da.from([Number.NaN], { dtype: 'i32' })).toThrow('got NaN (number)')
  expect(() => da.full([2], 1e10, { dtype: 'i32' })).toThrow('for i32, got 10000000000 (number)')
  expect(() => da.from([1]).add(10n ** 400n)).toThrow('below 2^1024')
  expect(await list(da.from([1.5, -1.5], { dtype: 'i64' }))).toEqual([1n, -1n])
  expect(await list(da.from([300_000]).square())).toEqual([9e10])
  expect(await da.multiply(100_000, 100_000).compute(here)).toBe(1e10)
  expect(await list(da.from([true]).multiply(300_000).square())).toEqual([9e10])
  expect([[1, 2], [true], [1n], [1, true], [1n, 2], [1n, 2.5]].map((values) => da.from(values).dtype)).toEqual([
    'f64',
    'bool',
    'i64',
    'f64',
    'i64',
    'f64',
  ])
})

test('masks are inverted, and give arrays that can be stacked, reshaped and multiplied', async () => {
  const x = da.from([1, 2, 3, 4])
  const even = x.remainder(2).equal(0)
  expect(await list(da.invert(even))).toEqual([true, false, true, false])
  const chosen = x.get(even)
  expect(await da.dot(chosen, chosen).compute(here)).toBe(20)
  expect(await list(da.stack([chosen, chosen]))).toEqual([
    [2, 4],
    [2, 4],
  ])
  expect(await list(chosen.reshape(1, -1))).toEqual([[2, 4]])
  expect(await list(chosen.reshape(2, 1))).toEqual([[2], [4]])
  expect(await list(chosen.add(da.from([10, 20])))).toEqual([12, 24])
  expect(await list(da.matmul(da.from([[1, 1]]), chosen.reshape(-1, 1)))).toEqual([[6]])
  expect(await list(chosen.get(chosen.greater(3)))).toEqual([4])
  await expect(list(chosen.reshape(3))).rejects.toThrow('An array of shape (2,) with 2 elements cannot be reshaped to (3,)')
  await expect(list(chosen.add(da.from([1, 2, 3])))).rejects.toThrow('Shapes (2,) and (3,) cannot be broadcast')
  await expect(list(da.dot(chosen, x.get(x.greater(1))))).rejects.toThrow('Shapes (1, 2) and (3, 1) cannot be multiplied')
  await expect(list(chosen.get(x.get(x.greater(1)).greater(0)))).rejects.toThrow('A mask of shape (3,) does not fit')
  await expect(list(da.topk(chosen, 3))).rejects.toThrow('at most 2, the number of elements, got 3')
  expect(() => chosen.get(0)).toThrow('An axis of unknown length cannot be indexed')
  expect(() => chosen.get('1:')).toThrow(/unknown length cannot be sliced/)
})

test('products of matrices of any two dtypes', async () => {
  const whole = da.from([1n, 2n, 3n, 4n]).reshape(2, 2)
  const floats = da.from([0.5, 1, 1.5, 2]).reshape(2, 2)
  expect(await list(da.matmul(whole, floats))).toEqual([
    [3.5, 5],
    [7.5, 11],
  ])
  expect(await list(da.matmul(whole, da.from([true, false, true, true]).reshape(2, 2)))).toEqual([
    [3n, 2n],
    [7n, 4n],
  ])
  expect(() => da.matmul(da.full([], 2), floats)).toThrow('Shapes () and (2, 2) cannot be multiplied as matrices')
})

const x = da.from([
  [1, 2, 3],
  [4, 5, 6],
])
const mask = x.greater(2)
/** An array as plain JavaScript sees it. */
type Loose = { readonly [K in keyof da.NDArray]: (...values: readonly unknown[]) => unknown }
const wrong: readonly (readonly [string, (array: Loose) => unknown, RegExp])[] = [
  ['keepDims', (a) => a.sum({ axis: 0, keepDims: true }), /Unknown option `keepDims` of sum; .*/],
  ['ddoff', (a) => a.std({ ddoff: 1 }), /Unknown option `ddoff` of std/],
  ['ddof of a mean', (a) => a.mean({ ddof: 1 }), /Unknown option `ddof` of mean/],
  ['an axis in place of options', (a) => a.sum(0), /Expected the options of sum to be an object, got 0/],
  ['an axis of null', (a) => a.max({ axis: null }), /Expected `axis` to be a whole number, or a list of them, got null/],
  ['a list of axes for argmax', (a) => a.argmax({ axis: [0] }), /Expected `axis` to be a whole number, got/],
  ['keepdims of text', (a) => a.sum({ keepdims: 'yes' }), /Expected `keepdims` to be true or false, got/],
  ['ddof of NaN', (a) => a.var({ ddof: Number.NaN }), /Expected `ddof` to be a number, got NaN/],
  ['text in a list of positions', (a) => a.get(['1']), /Expected the elements of `get` to be numbers/],
  ['a mask of another length', (a) => a.get(':', [true, false]), /does not fit the axes of lengths \(3,\)/],
  ['more indices than axes', (a) => a.get(':', mask), /Too many indices for shape \(2, 3\)/],
  ['an index of true', (a) => a.get(true), /Expected an index to be/],
  ['an index of undefined', (a) => a.get(undefined), /Expected an index to be/],
  ['an index of 0.5', (a) => a.get(0.5), /Expected an index to be/],
  ['a slice with a wrong field', (a) => a.get({ from: 1 }), /Expected an index to be/],
  ['text as an operand', (a) => a.add('1'), /Expected an operand of add to be an array, a number, a bigint or a boolean/],
  ['a list as an operand', (a) => a.add([1, 2, 3]), /Expected an operand of add/],
  ['clip to null', (a) => a.clip(null, 2), /Expected an operand of maximum/],
  ['round to text', (a) => a.round('2'), /Expected `decimals` of round/],
  ['a dtype of NumPy', (a) => a.astype('float32'), /Expected `dtype` to be 'f64' or/],
  ['reshape to text', (a) => a.reshape('6'), /Expected reshape to get whole numbers/],
  ['reshape to two unknown lengths', (a) => a.reshape(-1, -1), /cannot be reshaped/],
  ['transpose twice the same axis', (a) => a.transpose(0, 0), /Expected `axes` to name each of the 2 axes/],
  ['sum of a number', () => da.sum(5 as never), /Expected sum to get an array, got 5 \(number\)/],
  ['std of a list', () => da.std([1] as never), /Expected std to get an array/],
  ['cumsum of a list', () => da.cumsum([1] as never), /Expected cumsum to get an array/],
  ['concat of one array', (a) => da.concat(a as never), /Expected concat to get a list of arrays/],
  ['stack of lists', () => da.stack([[1], [2]] as never), /Expected stack to get an array/],
  ['where without a condition', () => da.where(undefined as never, 1, 0), /Expected an operand of where/],
  ['matmul with a list', (a) => da.matmul(a as never, [1] as never), /Expected matmul to get an array/],
  ['quantile of text', (a) => da.quantile(a as never, '0.5' as never), /Expected `q` to be a number from 0 to 1/],
  ['topk of half', (a) => da.topk(a as never, 0.5), /Expected `k` to be a whole number/],
  ['bits of floats', (a) => da.bitwiseAnd(a as never, 1), /`bitwiseAnd` is not defined for f64 and f64/],
  ['masks subtracted', () => mask.subtract(mask), /`subtract` is not defined for bool and bool/],
  ['arange to infinity', () => da.arange(Infinity), /Expected `stop` of arange to be a finite number/],
  ['arange in steps of 0', () => da.arange(0, 3, 0), /Expected `step` of arange to be a number other than 0/],
  ['linspace of half a number', () => da.linspace(0, 1, 2.5), /Expected `count` of linspace/],
  ['text in a list', () => da.from(['1'] as never), /Expected the elements of `from` to be numbers/],
  ['nothing', () => da.from(undefined as never), /Expected the elements of `from` to be numbers/],
  ['ragged lists', () => da.from([[1], [2, 3]]), /Expected nested lists of equal lengths/],
  ['a list in a place of a number', () => da.from([1, [2]] as never), /Expected the elements of `from`/],
  ['full of text', () => da.full([2], 'x' as never), /Expected an operand of full/],
]
test.each(wrong)('%s is refused', (_, call, message) => {
  expect(() => call(x as unknown as Loose)).toThrow(message)
  expect(() => call(x as unknown as Loose)).toThrow(expect.objectContaining({ code: 'HEDDLE_INVALID_OPTION' }))
})

test('compute takes a list', async () => {
  await expect(da.compute(x as never)).rejects.toThrow('Expected compute to get a list of arrays')
  await expect(da.compute([1] as never)).rejects.toThrow('Expected compute to get an array, got 1 (number)')
  expect(await list(da.from(x))).toEqual(await list(x))
  expect(await list(x.argmax({ axis: 1, keepdims: true }))).toEqual([[2], [2]])
  expect((await x.transpose([1, 0]).compute(here)).shape).toEqual([3, 2])
})

test('whole numbers of 64 bits with and without a sign are compared as they are', async () => {
  const unsigned = da.from(BigUint64Array.of(2n ** 62n, 2n ** 62n + 1n, 2n ** 64n - 1n))
  const signed = da.from([2n ** 62n + 1n, -1n, 2n ** 63n - 1n])
  const all = async (x: da.NDArray): Promise<unknown> => ((await x.compute(here)) as da.Dense).toArray()
  expect(await all(unsigned.equal(signed))).toEqual([false, false, false])
  expect(await all(unsigned.less(signed))).toEqual([true, false, false])
  expect(await all(signed.less(unsigned))).toEqual([false, true, true])
  expect(await all(signed.greaterEqual(unsigned))).toEqual([true, false, false])
  expect(await all(unsigned.notEqual(signed))).toEqual([true, true, true])
  expect(await all(da.searchsorted(unsigned, signed))).toEqual([1, 0, 2])
  expect(await all(da.searchsorted(da.sort(signed), unsigned))).toEqual([1, 1, 3])
  expect(await all(da.isin(unsigned, signed))).toEqual([false, true, false])
})
