/**
 * Random graphs of arrays for tests: values that are used several times, by each other and as several results. Each step is written three
 * times: with arrays, in NumPy, and for plain lists. All elements are whole numbers below 97, so that every result is exact and must be equal.
 */
import * as da from '../../src/array/index.ts'
import type { Random } from './random.ts'

/** Elements in C order. */
export interface Plain {
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

/** A value in all three languages. */
export interface Value {
  readonly name: string
  readonly array: da.NDArray
  readonly plain: Plain
}

export interface Graph {
  readonly values: readonly Value[]
  readonly outputs: readonly Value[]
  /** Statements that compute all values, one after the other. */
  readonly python: readonly string[]
}

const modulus = 97
const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
const mod = (x: number): number => ((x % modulus) + modulus) % modulus

function coordinates(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>((all, length) => all.flatMap((at) => Array.from({ length }, (_, i) => [...at, i])), [[]])
}

function build(shape: readonly number[], element: (at: readonly number[]) => number): Plain {
  return { shape, data: coordinates(shape).map(element) }
}

function read({ shape, data }: Plain, at: readonly number[]): number {
  let index = 0
  shape.forEach((length, axis) => {
    index = index * length + (at[axis] as number)
  })
  return data[index] as number
}

/** The common shape, or undefined where there is none. */
function broadcast(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length)
  const shape = Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1]
    return x === y || y === 1 ? x : x === 1 ? y : -1
  })
  return shape.includes(-1) ? undefined : shape
}

function zip(a: Plain, b: Plain, shape: readonly number[], f: (x: number, y: number) => number): Plain {
  const stretched = (x: Plain, at: readonly number[]): number =>
    read(
      x,
      x.shape.map((length, axis) => (length === 1 ? 0 : (at[axis + at.length - x.shape.length] as number))),
    )
  return build(shape, (at) => f(stretched(a, at), stretched(b, at)))
}

function fold(x: Plain, axis: number | undefined, f: (group: readonly number[]) => number): Plain {
  if (axis === undefined) return { shape: [], data: [f(x.data)] }
  const shape = x.shape.filter((_, a) => a !== axis)
  return build(shape, (at) =>
    f(Array.from({ length: x.shape[axis] as number }, (_, i) => read(x, [...at.slice(0, axis), i, ...at.slice(axis)]))),
  )
}

type Step = (random: Random, x: Value, y: Value) => (Omit<Value, 'name'> & { readonly python: string }) | undefined

/** Lengths are known only after the computation where the array says NaN. */
const known = ({ array }: Value): boolean => !Number.isNaN(array.size)

const binary =
  (
    python: (x: string, y: string) => string,
    make: (x: da.NDArray, y: da.NDArray) => da.NDArray,
    f: (x: number, y: number) => number,
  ): Step =>
  (_, x, y) => {
    const shape = broadcast(x.plain.shape, y.plain.shape)
    // Two unknown lengths are equal only for the same value.
    const fits = x === y || y.array.ndim === 0 || (known(x) && known(y))
    if (!shape || !fits || sizeOf(shape) > 400) return undefined
    return { python: python(x.name, y.name), array: make(x.array, y.array), plain: zip(x.plain, y.plain, shape, f) }
  }

const reduction =
  (name: 'sum' | 'min' | 'max' | 'argmax' | 'any', f: (group: readonly number[]) => number): Step =>
  (random, { name: x, array, plain }) => {
    const axis =
      plain.shape.length === 0 || random.below(2) === 0 || Number.isNaN(array.size) ? undefined : random.below(plain.shape.length)
    const keepdims = name !== 'argmax' && axis !== undefined && random.below(2) === 0
    const folded = fold(plain, axis, f)
    const shape = keepdims ? plain.shape.map((length, a) => (a === axis ? 1 : length)) : folded.shape
    const options = { ...(axis === undefined ? {} : { axis }), ...(keepdims ? { keepdims } : {}) }
    const after = name === 'sum' ? ` % ${modulus}` : ''
    const result = (array[name] as (options: da.ReduceOptions) => da.NDArray)(options)
    return {
      python: `(${x}.${name}(${axis === undefined ? '' : `axis=${axis}`}${keepdims ? ', keepdims=True' : ''})${after}) * 1.0`,
      array: name === 'sum' ? result.remainder(modulus) : (result.astype('f64') as da.NDArray),
      plain: { shape, data: folded.data },
    }
  }

const steps: readonly Step[] = [
  binary(
    (x, y) => `(${x} + ${y}) % ${modulus}`,
    (x, y) => x.add(y).remainder(modulus),
    (x, y) => mod(x + y),
  ),
  binary(
    (x, y) => `(${x} - ${y}) % ${modulus}`,
    (x, y) => x.subtract(y).remainder(modulus),
    (x, y) => mod(x - y),
  ),
  binary(
    (x, y) => `(${x} * ${y}) % ${modulus}`,
    (x, y) => x.multiply(y).remainder(modulus),
    (x, y) => mod(x * y),
  ),
  binary(
    (x, y) => `np.where(${x} > ${y}, ${x}, ${y} // 2)`,
    (x, y) => da.where(x.greater(y), x, y.floorDivide(2)),
    (x, y) => (x > y ? x : Math.floor(y / 2)),
  ),
  reduction('sum', (group) => mod(group.reduce((a, b) => a + b, 0))),
  reduction('max', (group) => Math.max(...group)),
  reduction('min', (group) => Math.min(...group)),
  reduction('argmax', (group) => group.indexOf(Math.max(...group))),
  reduction('any', (group) => (group.some((x) => x !== 0) ? 1 : 0)),
  (_, { name, array, plain }) => ({
    python: `${name}.T`,
    array: array.T,
    plain: build(plain.shape.toReversed(), (at) => read(plain, at.toReversed())),
  }),
  (random, { name, array, plain }) => {
    const [length] = plain.shape
    if (length === undefined || Number.isNaN(array.size)) return undefined
    const [start, step] = [random.below(length), random.below(2) === 0 ? 1 : 2]
    const shape = [Math.ceil((length - start) / step), ...plain.shape.slice(1)]
    return {
      python: `${name}[${start}::${step}]`,
      array: array.get(`${start}::${step}`),
      plain: build(shape, ([i, ...rest]) => read(plain, [start + (i as number) * step, ...rest])),
    }
  },
  (_, { name, array, plain }) =>
    plain.shape.length === 0 || Number.isNaN(array.size)
      ? undefined
      : {
          python: `${name}[::-1]`,
          array: array.get('::-1'),
          plain: build(plain.shape, ([i, ...rest]) => read(plain, [(plain.shape[0] as number) - 1 - (i as number), ...rest])),
        },
  (_, x) => ({
    python: `${x.name}.reshape(-1)`,
    array: x.array.ravel(),
    plain: { shape: [x.plain.data.length], data: x.plain.data },
  }),
  (_, x, y) => {
    const fits =
      x.plain.shape.length > 0 && known(x) && known(y) && String(x.plain.shape.slice(1)) === String(y.plain.shape.slice(1))
    if (!fits || y.plain.shape.length === 0 || x.plain.data.length + y.plain.data.length > 400) return undefined
    return {
      python: `np.concatenate([${x.name}, ${y.name}])`,
      array: da.concat([x.array as da.NDArray<da.DType, 'array'>, y.array as da.NDArray<da.DType, 'array'>]),
      plain: {
        shape: [(x.plain.shape[0] as number) + (y.plain.shape[0] as number), ...x.plain.shape.slice(1)],
        data: [...x.plain.data, ...y.plain.data],
      },
    }
  },
  (_, { name, array, plain }) => {
    let sum = 0
    return {
      python: `${name}.reshape(-1).cumsum() % ${modulus}`,
      array: da.cumsum(array).remainder(modulus),
      plain: { shape: [plain.data.length], data: plain.data.map((x) => mod((sum += x))) },
    }
  },
  (_, { name, array, plain }) => {
    const data = [...new Set(plain.data)].sort((a, b) => a - b)
    return { python: `np.unique(${name})`, array: da.unique(array), plain: { shape: [data.length], data } }
  },
  (_, { name, array, plain }) => {
    const data = plain.data.filter((x) => x > 30)
    if (data.length === 0 || plain.shape.length === 0) return undefined
    const mask = array.greater(30) as da.NDArray<'bool', 'array'>
    return { python: `${name}[${name} > 30]`, array: array.get(mask), plain: { shape: [data.length], data } }
  },
  (_, x, y) => {
    const [rows, inner] = x.plain.shape
    const [other, columns] = y.plain.shape
    const fits = x.plain.shape.length === 2 && y.plain.shape.length === 2 && inner === other
    if (!fits || rows === undefined || inner === undefined || columns === undefined) return undefined
    const product = build([rows, columns], ([i, j]) =>
      mod(
        Array.from({ length: inner }, (_v, k) => read(x.plain, [i as number, k]) * read(y.plain, [k, j as number])).reduce(
          (a, b) => a + b,
          0,
        ),
      ),
    )
    return {
      python: `(${x.name} @ ${y.name}) % ${modulus}`,
      array: da.matmul(x.array, y.array).remainder(modulus),
      plain: product,
    }
  },
]

const shapes = [[6], [6, 6], [1, 6], [6, 1], [], [2, 6], [6, 6]] as const

/** A graph of up to so many steps; the same for the same random numbers. */
export function randomGraph(random: Random, mostSteps = 14): Graph {
  const values: Value[] = []
  const python: string[] = []
  const add = ({ array, plain }: Omit<Value, 'name'>, text: string): void => {
    const name = `v${values.length}`
    python.push(`${name} = ${text}`)
    values.push({ name, array, plain })
  }
  for (let leaf = 0; leaf < 1 + random.below(3); leaf++) {
    const shape = shapes[random.below(shapes.length)] as readonly number[]
    const plain = build(shape, () => random.below(modulus))
    const text = `np.array([${plain.data.join(', ')}], dtype="f8").reshape([${shape.join(', ')}])`
    add({ array: da.from(Float64Array.from(plain.data), { shape }), plain }, text)
  }
  // Mostly of the last values: chains are where one value needs another of its shape.
  const pick = (): Value =>
    values[
      random.below(3) === 0 ? random.below(values.length) : values.length - 1 - random.below(Math.min(4, values.length))
    ] as Value
  for (let i = 1 + random.below(mostSteps); i > 0; i--) {
    const [x, y] = [pick(), pick()]
    const made = (steps[random.below(steps.length)] as Step)(random, x, y)
    if (made) add(made, made.python)
  }
  const outputs = Array.from({ length: 1 + random.below(4) }, pick)
  return { values, outputs: [values.at(-1) as Value, ...outputs], python }
}
