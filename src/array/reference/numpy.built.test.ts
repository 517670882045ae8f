/** Random expressions and random graphs against NumPy itself. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { randomGraph } from '../../../test/support/array-graphs.ts'
import { hasNumpy, runNumpy } from '../../../test/support/numpy.ts'
import { randomFrom } from '../../../test/support/random.ts'
import { runs } from '../../../test/support/runs.ts'
import * as da from '../index.ts'
import { encodeHeader } from '../files/npy-header.ts'
import { reduced as reduceNode, type ReduceName } from '../reductions/table.ts'
import { normalizeAxes } from '../expression/axes.ts'

const installed = hasNumpy()

/** One expression in both languages, over x and y; the file names of both are given. */
interface Pair {
  readonly python: string
  readonly make: (x: da.NDArray, y: da.NDArray) => da.NDArray
}

const functions = {
  sqrt: da.sqrt,
  exp: da.exp,
  log: da.log,
  sin: da.sin,
  cos: da.cos,
  tan: da.tan,
  abs: da.abs,
  square: da.square,
  floor: da.floor,
  ceil: da.ceil,
  trunc: da.trunc,
  sign: da.sign,
  isnan: da.isnan,
  isfinite: da.isfinite,
}
const unary: readonly Pair[] = Object.entries(functions).map(([name, f]) => ({
  python: `np.${name}(x)`,
  make: (x) => f(x) as da.NDArray,
}))
const binary: readonly Pair[] = [
  ['add', da.add],
  ['subtract', da.subtract],
  ['multiply', da.multiply],
  ['divide', da.divide],
  ['minimum', da.minimum],
  ['maximum', da.maximum],
  ['floor_divide', da.floorDivide],
  ['remainder', da.remainder],
  ['less', da.less],
  ['equal', da.equal],
  ['logical_and', da.logicalAnd],
  ['arctan2', da.arctan2],
].map(([name, f]) => ({
  python: `np.${name as string}(x, y)`,
  make: (x, y) => (f as (a: da.NDArray, b: da.NDArray) => da.NDArray)(x, y),
}))
const reduced = (x: da.NDArray, name: ReduceName, axis?: number): da.NDArray =>
  new da.NDArray(reduceNode(name, x.node, normalizeAxes(axis, x.ndim)))
const others: readonly Pair[] = [
  { python: 'x[::-1]', make: (x) => x.get('::-1') },
  { python: 'x[..., ::2]', make: (x) => x.get('...', '::2') },
  { python: 'x[..., None, :]', make: (x) => x.get('...', null, ':') },
  { python: 'x.T', make: (x) => x.T },
  { python: 'x.reshape(-1)', make: (x) => x.ravel() },
  { python: 'np.where(x > y, x, y)', make: (x, y) => da.where(x.greater(y) as da.NDArray<'bool'>, x, y) },
  { python: 'x[x > 0]', make: (x) => x.get(x.greater(0) as da.NDArray<'bool', 'array'>) },
  { python: 'np.unique(x)', make: (x) => da.unique(x) },
  {
    python: 'np.concatenate([x, x], axis=-1)',
    make: (x) => da.concat([x as da.NDArray<da.DType, 'array'>, x as da.NDArray<da.DType, 'array'>], -1),
  },
  { python: 'np.quantile(x.astype("f8"), [0, 0.3, 1])', make: (x) => da.quantile(x, [0, 0.3, 1]) },
  { python: 'np.histogram(x.astype("f8"), 7, (-50, 60))[0]', make: (x) => da.histogram(x, { bins: 7, range: [-50, 60] }).counts },
  ...(['sum', 'mean', 'var', 'std', 'min', 'max', 'argmin', 'argmax', 'any', 'all'] as const).flatMap((name): Pair[] => [
    { python: `x.${name}()`, make: (x) => reduced(x, name) },
    { python: `x.${name}(axis=-1)`, make: (x) => reduced(x, name, -1) },
    { python: `x.${name}(axis=0)`, make: (x) => reduced(x, name, 0) },
  ]),
  { python: 'x.cumsum(axis=0)', make: (x) => da.cumsum(x, { axis: 0 }) },
]

const script = `
import json, sys, numpy as np, warnings
warnings.simplefilter("ignore")
np.seterr(all="ignore")
for line in sys.stdin:
    case = json.loads(line)
    try:
        x, y = np.load(case["x"]), np.load(case["y"])
        r = np.asarray(eval(case["python"], {"np": np, "x": x, "y": y}))
        print(json.dumps({"shape": r.shape, "values": [repr(float(v)) for v in r.astype("f8").ravel()]}))
    except Exception as error:
        print(json.dumps({"error": str(error)}))
`

const shapes = [[1], [7], [3, 4], [4, 1], [2, 3, 5], [40, 30]] as const
const dtypes = ['f64', 'f32', 'i32', 'u8', 'i64'] as const

test.skipIf(!installed)('expressions give what NumPy gives', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-numpy-'))
  try {
    const cases = fc.sample(
      fc.record({
        pair: fc.constantFrom(...unary, ...binary, ...others),
        shapeX: fc.constantFrom(...shapes),
        other: fc.constantFrom('same', 'row', 'one'),
        dtypeX: fc.constantFrom(...dtypes),
        dtypeY: fc.constantFrom(...dtypes),
        seed: fc.nat(2),
      }),
      { numRuns: 600, seed: 42 },
    )
    const files = new Map<string, da.NDArray>()
    const input = async (
      dtype: da.DType,
      shape: readonly number[],
      seed: number,
    ): Promise<{ path: string; array: da.NDArray }> => {
      const path = join(folder, `${dtype}-${shape.join('x')}-${seed}.npy`)
      if (!files.has(path)) {
        const values = da.integers(dtype === 'u8' ? 0 : -100, 100, shape, { seed, dtype: 'f64' })
        const special = da.where(
          values.equal(7),
          Number.NaN,
          da.where(values.equal(8), Number.POSITIVE_INFINITY, da.where(values.equal(9), -0, values.divide(3))),
        )
        const { data } = await (dtype.startsWith('f') ? special : values).astype(dtype).compute({ threads: 0 })
        // Written by hand: hundreds of saves would wait for the disk each time.
        writeFileSync(path, Buffer.concat([encodeHeader(dtype, shape), Buffer.from(data.buffer)]))
        files.set(path, await da.load(path))
      }
      return { path, array: files.get(path) as da.NDArray }
    }
    const made = []
    for (const { pair, shapeX, other, dtypeX, dtypeY, seed } of cases) {
      const x = await input(dtypeX, shapeX, seed)
      const y = await input(dtypeY, other === 'same' ? shapeX : other === 'row' ? [shapeX.at(-1) as number] : [1], seed + 1)
      made.push({ pair, x, y })
    }
    const answers = runNumpy(
      script,
      made.map(({ pair, x, y }) => JSON.stringify({ python: pair.python, x: x.path, y: y.path })).join('\n'),
    ).map((line) => JSON.parse(line) as { error?: string; shape: number[]; values: string[] })
    expect(answers.length).toBe(made.length)
    let compared = 0
    for (const [i, { pair, x, y }] of made.entries()) {
      const answer = answers[i] as (typeof answers)[number]
      if (answer.error !== undefined || divergesOnPurpose(pair.python, x.array.dtype, y.array.dtype)) continue
      const result = await pair.make(x.array, y.array).compute({ threads: 0 })
      const [shape, values] =
        result instanceof da.Dense
          ? [result.shape, Array.from(result.data as Iterable<number | bigint>, Number)]
          : [[], [Number(result)]]
      const where = `${pair.python} with x ${x.array.dtype} [${x.array.shape}] ${x.path}, y ${y.array.dtype} [${y.array.shape}]`
      expect({ where, shape }).toEqual({ where, shape: answer.shape })
      const expected = answer.values.map((text) =>
        text === 'nan' ? Number.NaN : text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text),
      )
      // NumPy sums f32 in f32.
      const single = x.array.dtype === 'f32' || y.array.dtype === 'f32'
      const wrong = values.findIndex((value, k) => !near(value, expected[k] as number, single ? 3e-5 : 2e-13))
      expect(wrong < 0 ? '' : `${where}: ${values[wrong]} instead of ${expected[wrong]} at ${wrong}`).toBe('')
      compared++
    }
    expect(compared).toBeGreaterThan(300)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

function near(a: number, b: number, tolerance: number): boolean {
  return (
    Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b))
  )
}

/**
 * NumPy gives f16 for functions of u8; floor division of i64 (also by promotion) is not defined here; a quantile that is an infinite
 * element is infinite here, and NaN in NumPy, which subtracts it from itself.
 */
function divergesOnPurpose(python: string, x: da.DType, y: da.DType): boolean {
  const either = (dtype: da.DType): boolean => x === dtype || y === dtype
  if (/sqrt|exp|log\(|sin|cos|tan/.test(python)) return either('u8')
  if (/floor_divide|remainder/.test(python)) return either('i64')
  return python.includes('quantile') && x.startsWith('f')
}

const graphScript = `
import json, sys, numpy as np
def put(x, index, value):
    y = x.copy()
    y[index] = value
    return y
for line in sys.stdin:
    case = json.loads(line)
    values = {"np": np, "put": put}
    for statement in case["python"]:
        exec(statement, values)
    results = [np.asarray(values[name]) for name in case["outputs"]]
    print(json.dumps([{"shape": r.shape, "data": [float(v) for v in r.ravel()]} for r in results]))
`

test.skipIf(!installed)(
  'graphs with shared parts, self-references and several results give what NumPy gives',
  async () => {
    const batch = 1_000
    for (let from = 0; from < runs(1_000, 100_000); from += batch) {
      const graphs = Array.from({ length: batch }, (_, seed) => randomGraph(randomFrom(1e6 + from + seed), 20))
      const answers = runNumpy(
        graphScript,
        graphs.map(({ python, outputs }) => JSON.stringify({ python, outputs: outputs.map(({ name }) => name) })).join('\n'),
      )
      expect(answers.length).toBe(graphs.length)
      for (const [i, { outputs, python }] of graphs.entries()) {
        const results = await da.compute(
          outputs.map(({ array }) => array),
          { threads: 0 },
        )
        const got = results.map((result) =>
          result instanceof da.Dense
            ? { shape: result.shape, data: Array.from(result.data as Iterable<number>, Number) }
            : { shape: [], data: [Number(result)] },
        )
        expect({ python, outputs: outputs.map(({ name }) => name), got }).toEqual({
          python,
          outputs: outputs.map(({ name }) => name),
          got: JSON.parse(answers[i] as string),
        })
      }
    }
  },
  runs(120_000, 7_200_000),
)
