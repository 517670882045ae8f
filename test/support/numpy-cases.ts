/** Compares arrays with what NumPy's expressions give: shapes, dtypes and values, within a tolerance. */
import * as da from '../../src/array/index.ts'
import { runNumpy } from './numpy.ts'

/** An input, by its name in the expressions. */
export type Inputs = Readonly<Record<string, da.NDArray>>

/** An expression in Python over the inputs, and the same here. */
export interface NumpyCase {
  readonly python: string
  readonly array: () => da.NDArray
  /** Relative to the largest value of NumPy's. @default 1e-12, of f32 1e-5 */
  readonly within?: number
}

const script = `
import json, sys, numpy as np, warnings
warnings.simplefilter('ignore')
given = json.load(sys.stdin)
types = {'f64': 'f8', 'f32': 'f4', 'i64': 'i8', 'i32': 'i4', 'u32': 'u4', 'u8': 'u1', 'bool': '?', 'i8': 'i1', 'i16': 'i2', 'u16': 'u2', 'u64': 'u8', 'f16': 'f2'}
def read(v): return float(v) if isinstance(v, str) else v
scope = {'np': np}
for name, x in given['inputs'].items():
    values = [int(v) if x['dtype'] == 'i64' else read(v) for v in x['values']]
    scope[name] = np.array(values, dtype=types[x['dtype']]).reshape(x['shape'])
for python in given['cases']:
    try:
        r = np.asarray(eval(python, scope))
        print(json.dumps({'shape': r.shape, 'kind': r.dtype.kind + str(r.dtype.itemsize), 'values': [repr(float(v)) for v in r.ravel()]}))
    except Exception as e:
        print(json.dumps({'error': type(e).__name__ + ': ' + str(e)}))
`

const here = { threads: 0 } as const
const kinds: Readonly<Record<string, string>> = { f64: 'f8', f32: 'f4', i64: 'i8', i32: 'i4', u32: 'u4', u8: 'u1', bool: 'b1' }
const text = (value: number | bigint): string | number =>
  typeof value === 'bigint'
    ? String(value)
    : Number.isFinite(value)
      ? value
      : String(value).replace('Infinity', 'inf').replace('NaN', 'nan')

async function elements(x: da.NDArray): Promise<{ shape: readonly number[]; values: (number | bigint)[] }> {
  const result = (await x.compute(here)) as da.Dense | number | bigint | boolean
  if (!(result instanceof da.Dense)) return { shape: [], values: [typeof result === 'boolean' ? Number(result) : result] }
  return { shape: result.shape, values: Array.from(result.data as Iterable<number>) }
}

/** @returns a line for each case that differs @param wholes whether whole numbers become f64 here, where NumPy keeps them */
export async function differencesFromNumpy(inputs: Inputs, cases: readonly NumpyCase[], wholes = true): Promise<string[]> {
  const given: Record<string, object> = {}
  for (const [name, array] of Object.entries(inputs)) {
    const { shape, values } = await elements(array)
    given[name] = { dtype: array.dtype, shape, values: values.map(text) }
  }
  const answers = runNumpy(script, JSON.stringify({ inputs: given, cases: cases.map(({ python }) => python) }))
  const wrong: string[] = []
  for (const [i, { python, array, within }] of cases.entries()) {
    const answer = JSON.parse(answers[i] as string) as { shape: number[]; kind: string; values: string[]; error?: string }
    if (answer.error !== undefined) {
      const refused = await Promise.resolve()
        .then(array)
        .then((x) => x.compute(here))
        .then(
          () => false,
          () => true,
        )
      if (!refused) wrong.push(`${python}: NumPy says ${answer.error}`)
      continue
    }
    const made = array()
    const { shape, values } = await elements(made)
    if (String(shape) !== String(answer.shape)) {
      wrong.push(`${python}: shape [${shape}], NumPy has [${answer.shape}]`)
      continue
    }
    const whole = wholes && 'iub'.includes(answer.kind[0] as string)
    if (kinds[made.dtype] !== answer.kind && !(whole && made.dtype === 'f64'))
      wrong.push(`${python}: ${made.dtype}, NumPy has ${answer.kind}`)
    const theirs = answer.values.map((v) => Number(v.replace('inf', 'Infinity')))
    const scale = Math.max(1e-300, ...theirs.map(Math.abs).filter(Number.isFinite))
    const allowed = (within ?? (made.dtype === 'f32' ? 1e-5 : 1e-12)) * scale
    const at = values.findIndex(
      (value, k) =>
        !(
          Object.is(Number(value), theirs[k]) ||
          Number(value) === theirs[k] ||
          Math.abs(Number(value) - (theirs[k] as number)) <= allowed
        ),
    )
    if (at >= 0) wrong.push(`${python}: element ${at} is ${values[at]}, NumPy has ${theirs[at]}`)
  }
  return wrong
}
