/** Every operation, on every dtype and pair of dtypes, at the edges of their ranges, against NumPy. */
import { expect, test } from 'vitest'
import { hasNumpy, numpyNames as names, runNumpy } from '../../../test/support/numpy.ts'
import * as da from '../index.ts'

const here = { threads: 0 } as const
const installed = hasNumpy()

const edges: Readonly<Record<da.DType, readonly (number | bigint | boolean)[]>> = {
  f64: [Number.NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, -2.5, 3.5, 1e300, -1e300, 5e-324, 2 ** 31, 2 ** 53, 7],
  f32: [Number.NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, -2.5, 3.5, 3e38, -3e38, 1e-45, 2 ** 31, 2 ** 24, 7],
  i64: [-(2n ** 63n), 2n ** 63n - 1n, -1n, 0n, 1n, 2n, 7n, -7n, 2n ** 53n + 1n, 3n, 2n ** 31n, -(2n ** 31n), 10n, 5n, -3n, 100n],
  i32: [-(2 ** 31), 2 ** 31 - 1, -1, 0, 1, 2, 7, -7, 46_341, 3, 65_536, -65_536, 10, 5, -3, 100],
  u32: [2 ** 32 - 1, 2 ** 31, 0, 1, 2, 7, 65_536, 3, 10, 46_341, 5, 100, 255, 256, 4, 9],
  f16: [Number.NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, -2.5, 3.5, 65_504, -65_504, 2 ** -24, 2 ** -14, 2_049, 7],
  i16: [-32_768, 32_767, -1, 0, 1, 2, 7, -7, 182, 3, 256, -256, 10, 5, -3, 100],
  i8: [-128, 127, -1, 0, 1, 2, 7, -7, 12, 3, 16, -16, 10, 5, -3, 100],
  u64: [2n ** 64n - 1n, 2n ** 63n, 0n, 1n, 2n, 7n, 2n ** 53n + 1n, 3n, 10n, 46_341n, 5n, 100n, 255n, 2n ** 32n, 4n, 9n],
  u16: [65_535, 32_768, 0, 1, 2, 7, 256, 3, 10, 255, 5, 100, 300, 182, 4, 9],
  u8: [0, 1, 2, 255, 254, 128, 127, 7, 16, 3, 10, 100, 5, 200, 15, 9],
  bool: [true, false, true, true, false, false, true, false, true, true, true, false, false, true, false, true],
}
const dtypes = Object.keys(edges) as da.DType[]

interface Case {
  readonly python: string
  readonly x: da.DType
  readonly y?: da.DType
  readonly make: (x: da.NDArray, y: da.NDArray) => da.NDArray
  /** Relative; 0: equal. */
  readonly tolerance: number
}

type Unary = (x: da.NDArray) => da.NDArray
type Binary = (x: da.NDArray, y: da.NDArray) => da.NDArray

const exact1: Readonly<Record<string, Unary>> = {
  abs: da.abs,
  negative: da.negative,
  sign: da.sign,
  square: da.square,
  floor: da.floor,
  ceil: da.ceil,
  trunc: da.trunc,
  rint: da.rint,
  sqrt: da.sqrt,
  invert: da.invert,
  isnan: da.isnan,
  isinf: da.isinf,
  isfinite: da.isfinite,
  logical_not: da.logicalNot,
}
const close1: Readonly<Record<string, Unary>> = {
  exp: da.exp,
  expm1: da.expm1,
  log: da.log,
  log1p: da.log1p,
  log2: da.log2,
  log10: da.log10,
  cbrt: da.cbrt,
  arctan: da.arctan,
  tanh: da.tanh,
  cosh: da.cosh,
  sinh: da.sinh,
  arcsin: da.arcsin,
  arccos: da.arccos,
  arcsinh: da.arcsinh,
  arccosh: da.arccosh,
  arctanh: da.arctanh,
}
const exact2: Readonly<Record<string, Binary>> = {
  add: da.add,
  subtract: da.subtract,
  multiply: da.multiply,
  divide: da.divide,
  floor_divide: da.floorDivide,
  remainder: da.remainder,
  minimum: da.minimum,
  maximum: da.maximum,
  equal: da.equal,
  not_equal: da.notEqual,
  less: da.less,
  less_equal: da.lessEqual,
  greater: da.greater,
  greater_equal: da.greaterEqual,
  logical_and: da.logicalAnd,
  logical_or: da.logicalOr,
  logical_xor: da.logicalXor,
  bitwise_and: da.bitwiseAnd,
  bitwise_or: da.bitwiseOr,
  bitwise_xor: da.bitwiseXor,
  left_shift: da.leftShift,
  right_shift: da.rightShift,
  copysign: da.copysign,
  nextafter: da.nextafter,
}
const other: readonly (readonly [string, Unary])[] = [
  ...[-3, -2, -1, 0, 1, 2].map((decimals) => [`np.round(x, ${decimals})`, (x: da.NDArray) => x.round(decimals)] as const),
  ...(['sum', 'prod', 'mean', 'var', 'std', 'min', 'max', 'any', 'all', 'argmin', 'argmax'] as const).flatMap((name) => {
    const reduced = (x: da.NDArray, axis?: number): da.NDArray =>
      (x[name] as (this: da.NDArray, options?: da.ReduceOptions) => da.NDArray).call(x, axis === undefined ? undefined : { axis })
    return [
      [`x.${name}()`, (x: da.NDArray) => reduced(x)] as const,
      [`x.reshape(4, 4).${name}(axis=0)`, (x: da.NDArray) => reduced(x.reshape(4, 4), 0)] as const,
      [`x.reshape(4, 4).${name}(axis=1)`, (x: da.NDArray) => reduced(x.reshape(4, 4), 1)] as const,
    ]
  }),
  ['np.clip(x, 1, 5)', (x) => x.clip(1, 5)],
  ['np.cumsum(x)', (x) => da.cumsum(x)],
  ['np.unique(x)', (x) => da.unique(x)],
  ['np.sort(x)[-3:][::-1]', (x) => da.topk(x, 3)],
  ['x[::-1][1::3]', (x) => x.get('::-1').get('1::3')],
  ['np.where(x, x, x[::-1])', (x) => da.where(x as da.NDArray<'bool'>, x, x.get('::-1'))],
  ...dtypes.map((dtype) => [`x.astype("${names[dtype]}")`, (x: da.NDArray) => x.astype(dtype)] as const),
  ...(['equal', 'less', 'greater_equal'] as const).flatMap((name) =>
    [300, -1, 2 ** 33, 2.5].map(
      (value) => [`np.${name}(x, ${value})`, (x: da.NDArray) => (exact2[name] as Binary)(x, value as never)] as const,
    ),
  ),
]

const cases: readonly Case[] = dtypes.flatMap((x): Case[] => [
  ...Object.entries(exact1).map(([name, make]): Case => ({ python: `np.${name}(x)`, x, make, tolerance: 0 })),
  ...Object.entries(close1).map(([name, make]): Case => ({ python: `np.${name}(x)`, x, make, tolerance: 4e-15 })),
  ...other.map(([python, make]): Case => ({
    python,
    x,
    make,
    tolerance: /mean|var|std|sum|prod|round/.test(python) ? 1e-14 : 0,
  })),
  ...dtypes.flatMap((y) =>
    Object.entries(exact2).map(([name, make]): Case => ({
      python: `np.${name}(x, y[::-1])`,
      x,
      y,
      make: (a, b) => make(a, b.get('::-1')),
      tolerance: 0,
    })),
  ),
])

const script = `
import json, sys, numpy as np, warnings
warnings.simplefilter("ignore")
np.seterr(all="ignore")
kinds = {"f8": float, "f4": float, "f2": float, "?": lambda v: v == "true"}
def array(values, dtype):
    return np.array([kinds.get(dtype, int)(v) for v in values], dtype=dtype)
def show(v):
    return str(int(v)) if np.issubdtype(type(v), np.integer) or isinstance(v, np.bool_) else repr(float(v))
for line in sys.stdin:
    case = json.loads(line)
    names = {"np": np, "x": array(*case["x"])}
    if case["y"]:
        names["y"] = array(*case["y"])
    try:
        r = np.asarray(eval(case["python"], names))
        print(json.dumps({"dtype": str(r.dtype), "values": [show(v) for v in r.ravel()]}))
    except Exception as error:
        print(json.dumps({"error": str(error)}))
`

const numberOf = (text: string): number =>
  text === 'nan' ? Number.NaN : text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text)

/** Where they differ on purpose, as docs/arrays.md says. */
function differs({ python, x, y }: Case): boolean {
  const float = x === 'f64' || x === 'f32' || x === 'f16'
  // Conversion from float to integer saturates.
  if (float && /astype\("[iu]/.test(python)) return true
  // Sums and products of whole numbers below 64 bits are f64, and so may be larger than 64 bits; the running ones too.
  if (/prod|sum/.test(python) && ['i32', 'i16', 'i8', 'u32', 'u16', 'u8', 'bool'].includes(x)) return /prod/.test(python)
  // NumPy computes those of f32 in f32, where they overflow.
  if ((x === 'f32' || x === 'f16') && /sum|prod|mean|var|std/.test(python)) return true
  // Sums keep what is small beside what cancels.
  if (x === 'f64' && /(sum|mean)\(axis=1\)/.test(python)) return true
  // The largest whole numbers, rounded up, are beyond their type: they wrap around here, NumPy leaves it to the processor.
  if (/round\(x, -/.test(python) && !float) return true
  const small = (dtype: da.DType | undefined): boolean => ['i16', 'i8', 'u16', 'u8', 'bool'].includes(dtype as string)
  // NumPy has integers of 8 bits for these.
  if (x === 'bool' && y === 'bool' && /floor_divide|remainder|shift/.test(python)) return true
  // NumPy has single and half precision for these.
  if (small(x) && (close1[python.slice(3, -3)] !== undefined || python === 'np.sqrt(x)')) return true
  return small(x) && small(y) && /np\.(divide|copysign|nextafter)\(/.test(python)
}

test.skipIf(!installed)(
  'operations on all dtypes at their edges give what NumPy gives, or are refused where NumPy refuses',
  async () => {
    const text = (dtype: da.DType): readonly [string[], string] => [
      edges[dtype].map((v) => (Object.is(v, -0) ? '-0' : String(v))),
      names[dtype],
    ]
    const answers = runNumpy(
      script,
      cases.map(({ python, x, y }) => JSON.stringify({ python, x: text(x), y: y === undefined ? null : text(y) })).join('\n'),
    ).map((line) => JSON.parse(line) as { error?: string; dtype: string; values: string[] })
    expect(answers.length).toBe(cases.length)
    const wrong: string[] = []
    let compared = 0
    for (const [i, each] of cases.entries()) {
      const { python, x, y, make, tolerance } = each
      const answer = answers[i] as (typeof answers)[number]
      const where = `${python} of ${x}${y === undefined ? '' : ` and ${y}`}`
      const array = (dtype: da.DType): da.NDArray => da.from(edges[dtype] as number[], { dtype })
      let values: string[]
      try {
        const result = await make(array(x), array(y ?? x)).compute(here)
        const raw: readonly unknown[] = result instanceof da.Dense ? (result.toArray() as unknown[]).flat(3) : [result]
        values = raw.map((v) => String(typeof v === 'boolean' ? Number(v) : v))
      } catch (error) {
        if (answer.error === undefined && !differs(each))
          wrong.push(`${where}: refused (${(error as Error).message}), NumPy gives ${answer.values.join(' ')}`)
        continue
      }
      if (answer.error !== undefined || differs(each)) continue
      compared++
      const single = answer.dtype === 'float32' ? 3e-7 : answer.dtype === 'float16' ? 1e-3 : tolerance
      const bad = answer.values.findIndex((expected, k) => {
        const got = values[k] as string
        if (got === expected) return false
        const [a, b] = [numberOf(got.replace('Infinity', 'inf').replace('NaN', 'nan')), numberOf(expected)]
        // Two whole numbers of 64 bits must have the same digits.
        if (
          /^-?\d{16,}$/.test(got) &&
          /^-?\d+$/.test(expected) &&
          typeof a === 'number' &&
          answer.dtype.includes('int64') &&
          single === 0
        )
          return true
        return !(Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= single * Math.abs(b))
      })
      if (bad >= 0 || values.length !== answer.values.length)
        wrong.push(`${where} (${answer.dtype}) at ${bad}: ${values[bad]} instead of ${answer.values[bad]}`)
    }
    expect(wrong).toEqual([])
    expect(compared).toBeGreaterThan(1_000)
  },
)
