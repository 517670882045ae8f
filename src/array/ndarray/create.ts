/** Functions that make arrays. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { NDArray, type Rank } from './array.ts'
import * as build from '../expression/build.ts'
import { wrapBuffer } from './compute.ts'
import { Dense, type Nested } from '../memory/dense.ts'
import { checkedDType, nodeOfList, nodeOfView } from '../memory/lists.ts'
import { checkDType, type DType, fits, type TypedArray, type Value, dtypeRule } from '../expression/dtype.ts'
import { rawOf } from '../expression/elementwise.ts'
import { sharedElements } from '../memory/memory.ts'
import { makeNode, type Node } from '../expression/node.ts'
import { keyOfSeed, type Seed } from '../expression/seed.ts'
import { checkShape, type Shape, sizeOf } from '../expression/shape.ts'

/** How an array is cut into chunks, which threads compute one by one. */
export interface ChunkOptions {
  /** Length of a chunk along the first axis, the others whole. @default 'auto': by the size of the array */
  readonly chunks?: number | 'auto'
}

/** Options of random arrays. */
export interface RandomOptions extends ChunkOptions {
  /** The same seed gives the same numbers, for any chunks and any number of threads. @default fresh ones from the system */
  readonly seed?: Seed
}

const chunkRules = { chunks: rules.whole(1, ['auto']) }

/** @throws {InvalidOption} when an argument that must be a finite number is none */
function checkNumber(value: unknown, name: string, where: string): void {
  if (typeof value === 'number' && Number.isFinite(value)) return
  throw new InvalidOption(`Expected \`${name}\` of ${where} to be a finite number, got ${describe(value)}`)
}
const randomRules = { ...chunkRules, seed: rules.any }

export function chunkOf(shape: Shape, chunks: number | 'auto' | undefined): number | undefined {
  return typeof chunks === 'number' ? Math.min(chunks, shape[0] ?? 1) * sizeOf(shape.slice(1)) : undefined
}

function randomNode(
  distribution: 'uniform' | 'normal',
  size: Shape | number,
  { seed, chunks }: RandomOptions,
  where: string,
): Node {
  const shape = checkShape(size, where)
  return makeNode({ kind: 'random', distribution, key: keyOfSeed(seed), dtype: 'f64', shape, chunk: chunkOf(shape, chunks) })
}

/**
 * Uniform numbers from 0 up to 1, with 52 bits: sfc64, with streams spawned by splitmix64.
 *
 * @param shape a length, or one per axis
 * @throws {InvalidOption} when the shape is not made of whole numbers from 0 up, or for a wrong option
 * @example
 * const x = random([1_000, 1_000], { seed: 42 })
 */
export function random(shape: Shape | number, options: RandomOptions = {}): NDArray<'f64', 'array'> {
  checkOptions<RandomOptions>(options, randomRules, 'random')
  return new NDArray(randomNode('uniform', shape, options, 'random'))
}

/** Options of {@link normal}. */
export interface NormalOptions extends RandomOptions {
  /** The mean. @default 0 */
  readonly loc?: number
  /** The standard deviation. @default 1 */
  readonly scale?: number
}

/**
 * Normally distributed numbers, by Box and Muller's method; at most 8.5 standard deviations out.
 *
 * @param shape a length, or one per axis
 * @throws {InvalidOption} when the shape is not made of whole numbers from 0 up, or for a wrong option
 * @example
 * const heights = normal(1_000_000, { loc: 175, scale: 7, seed: 1 })
 */
export function normal(shape: Shape | number, options: NormalOptions = {}): NDArray<'f64', 'array'> {
  checkOptions<NormalOptions>(options, { ...randomRules, loc: rules.number(-Number.MAX_VALUE), scale: rules.number(0) }, 'normal')
  const standard: NDArray<'f64', 'array'> = new NDArray(randomNode('normal', shape, options, 'normal'))
  const { loc = 0, scale = 1 } = options
  const scaled = scale === 1 ? standard : standard.multiply(scale)
  return loc === 0 ? scaled : scaled.add(loc)
}

type IntegerType = 'i32' | 'i16' | 'i8' | 'u32' | 'u16' | 'u8' | 'f64'

/** Options of {@link integers}. */
export interface IntegerOptions<D extends IntegerType = 'i32'> extends RandomOptions {
  /** @default 'i32' */
  readonly dtype?: D
}

/**
 * Whole numbers from `low` up to but not including `high`. A range of n has a bias of at most n / 2^52.
 *
 * @param shape a length, or one per axis
 * @throws {InvalidOption} when `low` is not below `high`, they are more than 2^32 apart or do not fit the dtype, or for a wrong option
 * @example
 * const dice = integers(1, 7, 1_000, { seed: 1 })
 */
export function integers<D extends IntegerType = 'i32'>(
  low: number,
  high: number,
  shape: Shape | number,
  options: IntegerOptions<D> = {},
): NDArray<D, 'array'> {
  checkOptions<IntegerOptions<D>>(
    options,
    { ...randomRules, dtype: rules.oneOf('i32', 'i16', 'i8', 'u32', 'u16', 'u8', 'f64') },
    'integers',
  )
  const dtype = options.dtype ?? ('i32' as D)
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || high <= low || high - low > 2 ** 32) {
    throw new InvalidOption(`Expected whole numbers low < high at most 2^32 apart, got ${describe(low)} and ${describe(high)}`)
  }
  const span = high - low
  for (const bound of [low, high - 1]) {
    if (dtype !== 'f64' && !fits(dtype, bound))
      throw new InvalidOption(`Expected \`low\` and \`high\` to fit ${dtype}, got ${describe(bound)}`)
  }
  const uniform: NDArray<'f64', 'array'> = new NDArray(randomNode('uniform', shape, options, 'integers'))
  return uniform.multiply(span).floor().add(low).astype(dtype)
}

/**
 * Numbers from `start` up to but not including `stop`, `step` apart; f64, because the length is found in floating point. With `start` alone, from 0 up to it.
 *
 * @throws {InvalidOption} when a number is not finite, `step` is 0, or for a wrong option
 * @example
 * arange(5)            // 0 1 2 3 4
 * arange(1, 2, 0.25)   // 1 1.25 1.5 1.75
 */
export function arange(start: number, stop?: number, step = 1, options: ChunkOptions = {}): NDArray<'f64', 'array'> {
  checkOptions<ChunkOptions>(options, chunkRules, 'arange')
  const [from, to] = stop === undefined ? [0, start] : [start, stop]
  for (const [name, value] of Object.entries({ start: from, stop: to, step })) checkNumber(value, name, 'arange')
  if (step === 0) throw new InvalidOption('Expected `step` of arange to be a number other than 0, got 0 (number)')
  const length = Math.max(0, Math.ceil((to - from) / step))
  if (!Number.isSafeInteger(length)) throw new InvalidOption(`Expected a finite range, got arange(${start}, ${stop}, ${step})`)
  return new NDArray(range(from, step, length, options))
}

function range(start: number, step: number, length: number, { chunks }: ChunkOptions): Node {
  return makeNode({ kind: 'range', start, step, dtype: 'f64', shape: [length], chunk: chunkOf([length], chunks) })
}

/** Options of {@link linspace}. */
export interface LinspaceOptions extends ChunkOptions {
  /** Whether `stop` is the last number; otherwise it would be the next one. @default true */
  readonly endpoint?: boolean
}

/**
 * `count` numbers evenly from `start` to `stop`, which is included.
 *
 * @throws {InvalidOption} when `start` or `stop` is not finite, `count` is not a whole number from 0 up, or for a wrong option
 * @example
 * linspace(0, 1, 5)   // 0 0.25 0.5 0.75 1
 */
export function linspace(start: number, stop: number, count = 50, options: LinspaceOptions = {}): NDArray<'f64', 'array'> {
  checkOptions<LinspaceOptions>(options, { ...chunkRules, endpoint: rules.boolean }, 'linspace')
  checkNumber(start, 'start', 'linspace')
  checkNumber(stop, 'stop', 'linspace')
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new InvalidOption(`Expected \`count\` of linspace to be a whole number from 0 up, got ${describe(count)}`)
  }
  const { endpoint = true } = options
  const intervals = endpoint ? count - 1 : count
  const step = intervals > 0 ? (stop - start) / intervals : 0
  const numbers: NDArray<'f64', 'array'> = new NDArray(range(start, step, count, options))
  if (count < 2 || !endpoint) return numbers
  // As NumPy does, the last one is exactly `stop`.
  const last = new NDArray<'f64', 'array'>(range(0, 1, count, options)).equal(count - 1)
  return new NDArray(build.map('where', [last.node, build.full([], 'f64', stop), numbers.node]))
}

/** Options of {@link full}, {@link zeros} and {@link ones}. */
export interface FullOptions<D extends DType> extends ChunkOptions {
  /** @default 'f64' */
  readonly dtype?: D
}

/**
 * The same `value` everywhere; takes no memory.
 *
 * @param shape a length, or one per axis
 * @throws {InvalidOption} when the shape is not made of whole numbers from 0 up, the value is not a number, or for a wrong option
 * @example
 * full([2, 3], 7, { dtype: 'i32' })
 */
export function full<D extends DType = 'f64'>(
  shape: Shape | number,
  value: Value,
  options: FullOptions<D> = {},
): NDArray<D, 'array'> {
  checkOptions<FullOptions<D>>(options, { ...chunkRules, dtype: dtypeRule }, 'full')
  const dtype = checkDType(options.dtype ?? 'f64', 'dtype')
  return new NDArray(build.full(checkShape(shape, 'full'), dtype, rawOf(dtype, build.checkValue(value, 'full'))))
}

/**
 * Zeros; takes no memory.
 *
 * @param shape a length, or one per axis
 * @throws {InvalidOption} when the shape is not made of whole numbers from 0 up, or for a wrong option
 * @example
 * zeros([2, 3])
 */
export function zeros<D extends DType = 'f64'>(shape: Shape | number, options: FullOptions<D> = {}): NDArray<D, 'array'> {
  return full(shape, 0, options)
}

/**
 * Ones; takes no memory.
 *
 * @param shape a length, or one per axis
 * @throws {InvalidOption} when the shape is not made of whole numbers from 0 up, or for a wrong option
 * @example
 * ones([2, 3])
 */
export function ones<D extends DType = 'f64'>(shape: Shape | number, options: FullOptions<D> = {}): NDArray<D, 'array'> {
  return full(shape, 1, options)
}

/** Options of {@link from}. */
export interface FromOptions extends ChunkOptions {
  /** @default that of the typed array; for lists f64, of bigints i64, of booleans bool */
  readonly dtype?: DType
  /** @default that of the list; `[length]` for a typed array */
  readonly shape?: Shape
}

/** Elements that lie in a buffer in C order. */
export function wrapped(
  dtype: DType,
  shape: Shape,
  buffer: SharedArrayBuffer,
  chunks: number | 'auto' | undefined,
): NDArray<DType, 'array'> {
  return new NDArray(wrapBuffer(dtype, shape, buffer, chunkOf(shape, chunks)))
}

type Source = ArrayBufferView | Dense | NDArray | Nested<Value>

/**
 * An array from elements that are there.
 *
 * @param source a typed array (copied once, unless it lies in a `SharedArrayBuffer`), nested lists, an array, or an async iterable of typed arrays, which
 *   are put one after the other
 * @throws {InvalidOption} when nested lists differ in length, an element is not a number, bigint or boolean, the type of a typed array is unknown, or for a wrong option
 * @example
 * from([[1, 2], [3, 4]])
 * from(new Float32Array(1_000), { shape: [10, 100] })
 */
export function from<D extends DType>(source: Dense<D>, options?: FromOptions): NDArray<D, 'array'>
export function from(source: Float64Array, options?: FromOptions & { dtype?: undefined }): NDArray<'f64', 'array'>
export function from(source: Float32Array, options?: FromOptions & { dtype?: undefined }): NDArray<'f32', 'array'>
export function from(source: BigInt64Array, options?: FromOptions & { dtype?: undefined }): NDArray<'i64', 'array'>
export function from(source: Int32Array, options?: FromOptions & { dtype?: undefined }): NDArray<'i32', 'array'>
export function from(source: Int16Array, options?: FromOptions & { dtype?: undefined }): NDArray<'i16', 'array'>
export function from(source: Int8Array, options?: FromOptions & { dtype?: undefined }): NDArray<'i8', 'array'>
export function from(source: BigUint64Array, options?: FromOptions & { dtype?: undefined }): NDArray<'u64', 'array'>
export function from(source: Uint16Array, options?: FromOptions & { dtype?: undefined }): NDArray<'u16', 'array'>
export function from(source: Uint32Array, options?: FromOptions & { dtype?: undefined }): NDArray<'u32', 'array'>
export function from<D extends DType, R extends Rank>(source: NDArray<D, R>, options?: FromOptions): NDArray<D, R>
export function from(source: AsyncIterable<ArrayBufferView>, options?: FromOptions): Promise<NDArray<DType, 'array'>>
export function from(source: ArrayBufferView | Nested<Value>, options?: FromOptions): NDArray<DType, 'array'>
export function from(
  source: Source | AsyncIterable<ArrayBufferView>,
  options: FromOptions = {},
): NDArray<DType, 'array'> | Promise<NDArray<DType, 'array'>> {
  checkOptions<FromOptions>(options, { ...chunkRules, dtype: dtypeRule, shape: rules.any }, 'from')
  if (source instanceof Dense || source instanceof NDArray) return finish(source.node, options)
  if (ArrayBuffer.isView(source)) return finish(nodeOfView(source), options)
  if (typeof source === 'object' && source !== null && Symbol.asyncIterator in source) return collect(source, options)
  return finish(nodeOfList(source as Nested<Value>, options.dtype), options)
}

function finish(node: Node, { dtype, shape, chunks }: FromOptions): NDArray<DType, 'array'> {
  const shaped = shape === undefined ? node : build.reshape(node, checkShape(shape, 'from'))
  const cast = dtype === undefined ? shaped : build.cast(shaped, checkDType(dtype, 'dtype'))
  return new NDArray(makeNode({ ...cast, chunk: chunkOf(cast.shape, chunks) ?? cast.chunk }))
}

async function collect(source: AsyncIterable<ArrayBufferView>, options: FromOptions): Promise<NDArray<DType, 'array'>> {
  const parts: TypedArray[] = []
  for await (const part of source) {
    const dtype = checkedDType(part)
    const first = parts[0]
    if (first && checkedDType(first) !== dtype)
      throw new InvalidOption(`Expected all chunks to be of ${checkedDType(first)}, got one of ${dtype}`)
    parts.push((part as TypedArray).slice() as unknown as TypedArray)
  }
  const dtype = parts[0] ? checkedDType(parts[0]) : checkDType(options.dtype ?? 'f64', 'dtype')
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const data = sharedElements(dtype, length)
  let at = 0
  for (const part of parts) {
    data.set(part as never, at)
    at += part.length
  }
  return finish(wrapBuffer(dtype, [length], data.buffer), options)
}
