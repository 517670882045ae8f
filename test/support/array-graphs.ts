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

/** The last axis of each row changed by itself. */
const rows = (x: Plain, change: (row: readonly number[]) => readonly number[]): Plain => {
  const length = x.shape.at(-1) as number
  const data = Array.from({ length: length === 0 ? 0 : x.data.length / length }, (_, i) =>
    change(x.data.slice(i * length, (i + 1) * length)),
  )
  return { shape: [...x.shape.slice(0, -1), data[0]?.length ?? length], data: data.flat() }
}
/** A step that needs known lengths, and at least one element along the last axis. */
const ofRows =
  (
    python: (x: string) => string,
    make: (x: da.NDArray) => da.NDArray,
    change: (row: readonly number[]) => readonly number[],
  ): Step =>
  (_, x) => {
    if (x.plain.shape.length === 0 || x.plain.shape.includes(0) || !known(x)) return undefined
    const plain = rows(x.plain, change)
    if (plain.data.length > 400 || plain.shape.includes(0)) return undefined
    return { python: python(x.name), array: make(x.array), plain }
  }
const ascending = (row: readonly number[]): number[] => row.toSorted((a, b) => a - b)

/** Selection, order and shapes. */
const further: readonly Step[] = [
  ofRows(
    (x) => `np.sort(${x})`,
    (x) => da.sort(x),
    ascending,
  ),
  ofRows(
    (x) => `np.argsort(${x}, kind="stable") * 1.0`,
    (x) => da.argsort(x),
    (row) => [...row.keys()].sort((a, b) => (row[a] as number) - (row[b] as number) || a - b),
  ),
  ofRows(
    (x) => `np.flip(${x}, -1)`,
    (x) => da.flip(x, -1),
    (row) => row.toReversed(),
  ),
  ofRows(
    (x) => `np.roll(${x}, 2, axis=-1)`,
    (x) => da.roll(x, 2, { axis: -1 }),
    (row) => row.map((_, i) => row[(((i - 2) % row.length) + row.length) % row.length] as number),
  ),
  ofRows(
    (x) => `np.repeat(${x}, 2, axis=-1)`,
    (x) => da.repeat(x, 2, { axis: -1 }),
    (row) => row.flatMap((v) => [v, v]),
  ),
  ofRows(
    (x) => `np.diff(${x}) % ${modulus}`,
    (x) => da.diff(x).remainder(modulus),
    (row) => row.slice(1).map((v, i) => mod(v - (row[i] as number))),
  ),
  ofRows(
    (x) => `np.take(${x}, [0, -1, 0], axis=-1)`,
    (x) => da.take(x, [0, -1, 0], { axis: -1 }),
    (row) => [row[0] as number, row.at(-1) as number, row[0] as number],
  ),
  ofRows(
    (x) => `${x}[..., [-1, 0]]`,
    (x) => x.get('...', [-1, 0]),
    (row) => [row.at(-1) as number, row[0] as number],
  ),
  ofRows(
    (x) => `put(${x}, (..., slice(None, None, 2)), 5)`,
    (x) => x.set(['...', '::2'], 5),
    (row) => row.map((v, i) => (i % 2 === 0 ? 5 : v)),
  ),
  ofRows(
    (x) => `put(${x}, (..., [0, -1]), 7)`,
    (x) => x.set(['...', [0, -1]], 7),
    (row) => row.map((v, i) => (i === 0 || i === row.length - 1 ? 7 : v)),
  ),
  ofRows(
    (x) => `np.take_along_axis(${x}, np.argsort(${x}, kind="stable"), -1)`,
    (x) => da.takeAlongAxis(x, da.argsort(x)),
    ascending,
  ),
  ofRows(
    (x) => `np.partition(${x}, 0)[..., :1]`,
    (x) => da.partition(x, 0).get('...', ':1'),
    (row) => [Math.min(...row)],
  ),
  ofRows(
    (x) => `np.quantile(${x}, 0.5, axis=-1, method="lower", keepdims=True)`,
    (x) => da.quantile(x, 0.5, { axis: -1, method: 'lower', keepdims: true }),
    (row) => [ascending(row)[Math.floor((row.length - 1) / 2)] as number],
  ),
  ofRows(
    (x) => `np.cumsum(${x}, axis=-1) % ${modulus}`,
    (x) => da.cumsum(x, { axis: -1 }).remainder(modulus),
    (row) => row.map((_, i) => mod(row.slice(0, i + 1).reduce((a, b) => a + b, 0))),
  ),
  ofRows(
    (x) => `np.pad(${x}, [(0, 0)] * (${x}.ndim - 1) + [(1, 2)], constant_values=3)`,
    (x) =>
      da.pad(
        x,
        x.shape.map((_, a) => (a === x.ndim - 1 ? [1, 2] : [0, 0]) as [number, number]),
        { value: 3 },
      ),
    (row) => [3, ...row, 3, 3],
  ),
  // The windows of two, through the elements where they lie.
  ofRows(
    (x) => `np.lib.stride_tricks.sliding_window_view(${x}, 2, axis=-1).sum(axis=-1) % ${modulus} if ${x}.shape[-1] > 1 else ${x}`,
    (x) =>
      (x.shape.at(-1) as number) > 1
        ? da
            .slidingWindow(x as da.NDArray<da.DType, 'array'>, 2, { axis: -1 })
            .sum({ axis: -1 })
            .remainder(modulus)
        : x,
    (row) => (row.length > 1 ? row.slice(1).map((v, i) => mod(v + (row[i] as number))) : row),
  ),
  (_, x) => ({
    python: `np.where(${x.name} > 40, 1.0, ${x.name})`,
    array: x.array.set(x.array.greater(40), 1),
    plain: { shape: x.plain.shape, data: x.plain.data.map((v) => (v > 40 ? 1 : v)) },
  }),
  (_, x, y) => {
    if (!known(x) || !known(y) || x.plain.data.length === 0) return undefined
    const { length } = x.plain.data
    return {
      python: `np.take(${x.name}, (${y.name} % ${length}).astype(int))`,
      array: da.take(x.array.reshape(-1), y.array.remainder(length)),
      plain: { shape: y.plain.shape, data: y.plain.data.map((v) => x.plain.data[v % length] as number) },
    }
  },
  (_, x, y) => {
    if (!known(x)) return undefined
    const sorted = ascending(x.plain.data)
    return {
      python: `np.searchsorted(np.sort(${x.name}, axis=None), ${y.name}) * 1.0`,
      array: da.searchsorted(da.sort(x.array.reshape(-1)), y.array as da.NDArray<da.DType, 'array'>),
      plain: { shape: y.plain.shape, data: y.plain.data.map((v) => sorted.filter((other) => other < v).length) },
    }
  },
  (_, x, y) => ({
    python: `np.isin(${x.name}, ${y.name}) * 1.0`,
    array: da.isin(x.array, y.array).astype('f64'),
    plain: { shape: x.plain.shape, data: x.plain.data.map((v) => Number(y.plain.data.includes(v))) },
  }),
  (_, x) => {
    const data = x.plain.data.flatMap((v, i) => (v === 0 ? [] : [mod(i)]))
    if (!known(x) || x.plain.shape.length === 0 || data.length === 0) return undefined
    return {
      python: `np.flatnonzero(${x.name}) % ${modulus} * 1.0`,
      array: da.flatnonzero(x.array).remainder(modulus),
      plain: { shape: [data.length], data },
    }
  },
  (_, x) => {
    if (!known(x) || x.plain.data.length === 0) return undefined
    const distinct = ascending([...new Set(x.plain.data)])
    const data = distinct.map((v) => mod(x.plain.data.filter((other) => other === v).length))
    return {
      python: `np.unique(${x.name}, return_counts=True)[1] % ${modulus} * 1.0`,
      array: da.uniqueAll(x.array).counts.remainder(modulus),
      plain: { shape: [data.length], data },
    }
  },
]

const all = [...steps, ...further]

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
    const made = (all[random.below(all.length)] as Step)(random, x, y)
    if (made) add(made, made.python)
  }
  const outputs = Array.from({ length: 1 + random.below(4) }, pick)
  return { values, outputs: [values.at(-1) as Value, ...outputs], python }
}
