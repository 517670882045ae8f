/**
 * Every function of arrays with every argument and option wrong in many ways: it refuses with an error of heddle's, or gives an array. What an
 * engine says of its own accord ("Cannot read properties of null") names neither the function nor the argument.
 */
import { expect, test } from 'vitest'
import { HeddleError } from '../base/errors.ts'
import * as da from './index.ts'

const functions: Readonly<Record<string, unknown>> = { ...da }

const x = da.from([
  [1, 2, 3],
  [4, 5, 6],
  [7, 8, 10],
])
const v = da.from([3, 1, 2])
const i = da.from(Int32Array.of(0, 2, 1))
const b = da.from([true, false, true])

/** The options of a call, tried one by one. */
class Options {
  readonly each: object
  constructor(each: object) {
    this.each = each
  }
}
const O = (each: object): Options => new Options(each)
const reduced = O({ axis: 1, keepdims: true })
const spread = O({ axis: 1, keepdims: true, ddof: 1 })
const chunks = { chunks: 4 }
const words = (text: string): string[] => text.trim().split(/\s+/)
const each = (text: string, ...args: unknown[]): Record<string, unknown[]> =>
  Object.fromEntries(words(text).map((name) => [name, args]))

/** Calls that are right. Those that read or write files are not here: a wrong path is a file that is not there. */
const calls: Readonly<Record<string, readonly unknown[]>> = {
  ...each(
    `sqrt cbrt exp expm1 log log1p log2 log10 sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh reciprocal abs sign square
     negative floor ceil trunc rint signbit isnan isinf isfinite logicalNot deg2rad rad2deg exp2 isposinf isneginf sinc atleast1d atleast2d atleast3d
     nonzero flatnonzero argwhere inv det slogdet svdvals eigh eigvalsh cond`,
    x,
  ),
  ...each(
    `add subtract multiply floorDivide remainder minimum maximum divide power logaddexp copysign nextafter arctan2 hypot equal notEqual less
     lessEqual greater greaterEqual logicalAnd logicalOr logicalXor fmax fmin matmul dot kron solve`,
    x,
    x,
  ),
  ...each('bitwiseAnd bitwiseOr bitwiseXor leftShift rightShift', i, i),
  ...each('outer union1d intersect1d setdiff1d', v, v),
  ...each(
    'mean min max argmin argmax any all count nansum nanprod nanmean nanmin nanmax nanargmin nanargmax ptp countNonzero',
    x,
    reduced,
  ),
  ...each('var std nanvar nanstd', x, spread),
  ...each('sum prod', x, O({ axis: 1, keepdims: true, dtype: 'f64' })),
  ...each('quantile nanquantile percentile nanpercentile', x, [0.5], O({ axis: 0, keepdims: true, method: 'linear' })),
  ...each('median nanmedian', x, O({ axis: 0, keepdims: true })),
  ...each('cumsum cumprod nancumsum nancumprod', x, O({ axis: 0, dtype: 'f64', includeInitial: false })),
  ...each('sort argsort', x, O({ axis: 0, descending: true })),
  ...each('topk argtopk partition', x, 2, O({ axis: 0 })),
  ...each('unique uniqueAll', x, O({ equalNaN: true })),
  ...each('fftfreq rfftfreq', 4, O({ d: 0.1 })),
  ...each('fftshift ifftshift flip expandDims unstack', x, 0),
  ...each('diag tril triu matrixPower rot90', x, 1),
  ...each('vstack hstack dstack columnStack', [v, v]),
  ...each('concat stack', [x, x], 1),
  ...each('zerosLike onesLike', x, O({ dtype: 'f64' })),
  ...each('zeros ones', [2, 3], O({ dtype: 'f64', ...chunks })),
  ...each('moveaxis swapaxes', x, 0, 1),
  ...each('diagonal trace', x, O({ offset: 1, axis1: 0, axis2: 1 })),
  ...each('vecdot', x, x, O({ axis: 0 })),
  ...each('matrixRank pinv', x, O({ rtol: 0.1 })),
  ...each('isclose allclose', x, x, O({ rtol: 0.1, atol: 0.1, equalNan: true })),
  invert: [i],
  round: [x, 1],
  clip: [x, 2, 5],
  where: [b, v, v],
  compute: [[x, v], O({ signal: AbortSignal.abort(), memoryLimit: '500MB', threads: 0 })],
  mapBlocks: [x, () => new Float64Array(9), O({ dtype: 'f64', chunks: [3, 3], concurrency: 2, dropAxis: [], newAxis: [] })],
  fromDelayed: [[4, 4], () => new Float64Array(4), O({ dtype: 'f64', chunks: [2, 2], concurrency: 2 })],
  mapOverlap: [x, () => new Float64Array(9), O({ depth: 1, boundary: 'reflect', trim: true, dtype: 'f64', concurrency: 1 })],
  blockwise: ['ij', () => new Float64Array(9), [x, 'ij'], O({ dtype: 'f64', newAxes: {}, concurrency: 2 })],
  reduction: [x, { chunk: () => v, aggregate: () => v }, O({ axis: 0, keepdims: true, dtype: 'f64', splitEvery: 2 })],
  fromArrow: [{}, O(chunks)],
  fromTensor: [{ type: 'float32', data: Float32Array.of(1, 2), dims: [2] }],
  toTensor: [await v.compute({ threads: 0 })],
  take: [x, [0, 2], O({ axis: 1 })],
  takeAlongAxis: [x, da.from([[0, 1, 2]]), O({ axis: 0 })],
  compress: [[true, false, true], x, O({ axis: 0 })],
  searchsorted: [da.from([1, 2, 3]), [2, 5], O({ side: 'left', sorter: i })],
  isin: [x, [1, 2], O({ invert: true })],
  choose: [i, [v, v, v]],
  broadcastTo: [v, [3, 3]],
  broadcastArrays: [x, v],
  squeeze: [da.ones([1, 3, 1]), 0],
  roll: [x, 1, O({ axis: 0 })],
  repeat: [x, 2, O({ axis: 0 })],
  tile: [x, [2, 1]],
  pad: [x, 1, O({ mode: 'constant', value: 0 })],
  split: [x, 3, 0],
  eye: [3, 4, O({ k: 1, dtype: 'f64' })],
  indices: [[2, 3]],
  meshgrid: [[v, v], O({ indexing: 'xy' })],
  fullLike: [x, 3, O({ dtype: 'f64' })],
  full: [[2, 3], 7, O({ dtype: 'i32', ...chunks })],
  arange: [0, 10, 2, O(chunks)],
  linspace: [0, 1, 5, O({ endpoint: true, ...chunks })],
  random: [[2, 3], O({ seed: 1, ...chunks })],
  normal: [[2, 3], O({ seed: 1, loc: 0, scale: 1 })],
  integers: [0, 10, [2, 3], O({ seed: 1, dtype: 'i32' })],
  from: [[1, 2, 3], O({ dtype: 'f64', shape: [3], ...chunks })],
  diff: [x, O({ axis: 0, n: 1, prepend: 0, append: 0 })],
  slidingWindow: [x, 2, O({ axis: 0 })],
  average: [x, O({ weights: [1, 2, 3], axis: 0 })],
  bincount: [i, O({ weights: v, minlength: 5 })],
  digitize: [x, [1, 5, 9], O({ right: true })],
  resultType: [x, 'f32'],
  canCast: ['f32', 'f64'],
  isdtype: ['f32', 'real floating'],
  iinfo: ['i32'],
  finfo: ['f32'],
  histogram: [x, O({ bins: 4, range: [0, 10] })],
  histogram2d: [v, v, O({ bins: 4, range: [[0, 10], [0, 10]] })], // prettier-ignore
  cross: [v, v, O({ axis: 0 })],
  tensordot: [x, x, 1],
  einsum: ['ij,jk->ik', x, x],
  cov: [x, O({ ddof: 1, rowvar: true })],
  corrcoef: [x, O({ rowvar: true })],
  solveTriangular: [x, v, O({ lower: true })],
  cholesky: [x, O({ upper: true })],
  qr: [x, O({ mode: 'reduced' })],
  svd: [x, O({ fullMatrices: false })],
  svdCompressed: [x, 2, O({ seed: 1, oversampling: 1, powerIterations: 1 })],
  lstsq: [x, v, O({ rtol: 0.1 })],
  vectorNorm: [x, O({ axis: 0, ord: 2, keepdims: true })],
  matrixNorm: [x, O({ ord: 'fro', keepdims: true })],
  norm: [x, O({ ord: 2, axis: 0, keepdims: true })],
  nanToNum: [x, O({ nan: 0, posinf: 1, neginf: -1 })],
  slice: [0, 2, 1],
}
const files = 'load fromfile save tofile loadNpz saveNpz loadParquet loadZarr toZarr store'

const methods: Readonly<Record<string, readonly unknown[]>> = {
  ...each('add power divide equal minimum', v),
  clip: [1, 2],
  round: [1],
  astype: ['f32'],
  get: [0],
  set: [0, 5],
  reshape: [[9]],
  transpose: [[1, 0]],
  sum: [reduced],
  std: [spread],
  argmax: [reduced],
  rechunk: [[2, 2]],
  blocks: [O({ threads: 0 })],
  compute: [O({ threads: 0 })],
  persist: [O({ threads: 0 })],
}

const wrong: Readonly<Record<string, unknown>> = {
  undefined,
  null: null,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-1': -1,
  '1.5': 1.5,
  '7': 7,
  '2**53': 2 ** 53,
  "''": '',
  "'x'": 'x',
  true: true,
  '{}': {},
  '[]': [],
  '[null]': [null],
  '[{}]': [{}],
  '[0, 0]': [0, 0],
  '[7]': [7],
  '[1.5]': [1.5],
  "['a']": ['a'],
  'a ragged list': [[1], [2, 3]],
  'a hole': [, 1], // oxlint-disable-line no-sparse-arrays
  'a symbol': Symbol('s'),
  'a list of a symbol': [Symbol('s')],
  '1n': 1n,
  'a function': () => 1,
  'a date': new Date(0),
  'a promise': Promise.resolve(1),
  'a map': new Map(),
  'an object without a prototype': Object.create(null) as object,
  bytes: new Uint8Array(3),
  'an array of another shape': da.ones([5]),
  'an array without axes': x.sum(),
  'an array of bool': b,
  'an array of i64': da.from([1n, 2n, 3n]),
  'an array without elements': da.from([]),
  'an array of four axes': da.ones([1, 2, 1, 2]),
}

const plain = (args: readonly unknown[]): unknown[] => args.map((arg) => (arg instanceof Options ? { ...arg.each } : arg))

/** What a call throws or rejects with; nothing when it takes the arguments. Nothing is computed, but by functions that compute. */
async function refusal(call: () => unknown): Promise<unknown> {
  try {
    const given = call()
    if (given instanceof Promise) await given
  } catch (error) {
    return error
  }
  return undefined
}

async function unclear(name: string, call: (args: unknown[]) => unknown, right: readonly unknown[]): Promise<string[]> {
  const found: string[] = []
  const attempt = async (what: string, args: unknown[]): Promise<void> => {
    const error = await refusal(() => call(args))
    if (error !== undefined && !(error instanceof HeddleError)) found.push(`${name}, ${what}: ${String(error)}`)
  }
  for (const [place, argument] of right.entries()) {
    for (const [label, value] of Object.entries(wrong)) {
      await attempt(`argument ${place} = ${label}`, plain(right).with(place, value))
      if (!(argument instanceof Options)) continue
      for (const option of Object.keys(argument.each))
        await attempt(`${option} = ${label}`, plain(right).with(place, { ...argument.each, [option]: value }))
    }
  }
  return found
}

test('every function has a call here, or reads and writes files', () => {
  const names = Object.keys(functions).filter((name) => typeof functions[name] === 'function' && !/^[A-Z]/.test(name))
  expect(names.filter((name) => !(name in calls)).toSorted()).toEqual(words(files).toSorted())
})

test('wrong arguments of functions are refused in words', async () => {
  const found: string[] = []
  for (const [name, right] of Object.entries(calls)) {
    const call = functions[name] as (...args: unknown[]) => unknown
    found.push(...(await unclear(name, (args) => call(...args), right)))
  }
  expect(found).toEqual([])
})

test('wrong arguments of methods are refused in words', async () => {
  const found: string[] = []
  for (const [name, right] of Object.entries(methods)) {
    const call = (args: unknown[]): unknown => (x as unknown as Record<string, (...args: unknown[]) => unknown>)[name]?.(...args)
    found.push(...(await unclear(`x.${name}`, call, right)))
  }
  expect(found).toEqual([])
})

test.each([
  ['sort', () => da.sort(x, { axis: null as never })],
  ['cumsum', () => da.cumsum(x, { axis: null as never })],
  ['take', () => da.take(x, [0], { axis: null as never })],
  ['repeat', () => da.repeat(x, 2, { axis: null as never })],
  ['flip', () => da.flip(x, null as never)],
  ['squeeze', () => da.squeeze(x, {} as never)],
])('an axis of null, which NumPy takes for all of them, is no axis: %s', (_, call) => {
  expect(call).toThrow(/Expected `axis` to be a whole number/)
})

test('differences as often as there are elements leave nothing, however often', async () => {
  expect(da.diff(x, { n: Number.POSITIVE_INFINITY }).shape).toEqual([3, 0])
  expect((await da.diff(x, { n: 2 }).compute({ threads: 0 })).toArray()).toEqual([[0], [0], [1]])
})

test('as many lanes as there are blocks at most, whatever the concurrency', async () => {
  const doubled = da.mapBlocks(x, ({ data }) => (data as Float64Array).map((value) => 2 * value), { concurrency: 1e9 })
  expect((await doubled.compute({ threads: 0 })).toArray()).toEqual([
    [2, 4, 6],
    [8, 10, 12],
    [14, 16, 20],
  ])
})
