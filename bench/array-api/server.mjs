/**
 * Arrays of heddle for another process: one request per line of stdin, one answer per line of stdout. Arrays stay here, and are known by number; elements cross as the bytes
 * that they are, in base 64. `heddle_array` is the other side.
 */
import { createInterface } from 'node:readline'
import * as da from 'heddle/array'

/** @type {Map<string, (...values: unknown[]) => unknown>} */
const functions = new Map(Object.entries(/** @type {object} */ (da)))
/** @type {Map<number, da.NDArray>} */
const arrays = new Map()
let last = 0
/** The arrays of the suite are small. */
const here = { threads: 0 }

/** @typedef {{ call?: string, method?: string, args?: unknown[], from?: da.DType, shape?: number[], data?: string, read?: number, free?: number[] }} Request */

/** What JSON has no form for comes as an object of one field. @param {any} value @returns {any} */
function decoded(value) {
  if (Array.isArray(value)) return value.map(decoded)
  if (typeof value !== 'object' || value === null) return value
  if ('array' in value) return arrays.get(value.array)
  if ('big' in value) return BigInt(value.big)
  if ('float' in value) return Number(value.float)
  if ('absent' in value) return undefined
  return Object.fromEntries(Object.entries(value.record ?? {}).map(([name, field]) => [name, decoded(field)]))
}

/** @param {unknown} value @returns {Promise<unknown>} */
async function encoded(value) {
  if (value instanceof da.NDArray) {
    // A length that only the computation knows is found now: the standard lets an array not know it, Python's `len` does not.
    const known = value.shape.some(Number.isNaN) ? await value.persist(here) : value
    arrays.set(++last, known)
    return { array: last, dtype: known.dtype, shape: known.shape }
  }
  if (Array.isArray(value)) return Promise.all(value.map(encoded))
  if (typeof value === 'bigint') return { big: String(value) }
  if (typeof value === 'number' && !Number.isFinite(value)) return { float: String(value) }
  if (typeof value !== 'object' || value === null) return value
  const fields = await Promise.all(Object.entries(value).map(async ([name, field]) => [name, await encoded(field)]))
  return { record: Object.fromEntries(fields) }
}

/** @param {Request} request @returns {Promise<unknown>} */
async function answer({ call, method, args = [], from, shape = [], data = '', read, free = [] }) {
  for (const id of free) arrays.delete(id)
  if (from !== undefined) {
    const bytes = Buffer.from(data, 'base64')
    const copy = new SharedArrayBuffer(bytes.length)
    new Uint8Array(copy).set(bytes)
    const whole = da.from(new Uint8Array(copy), { dtype: 'u8' })
    return encoded(bytes.length === 0 ? da.zeros(shape, { dtype: from }) : viewed(whole, copy, from).reshape(shape))
  }
  if (read !== undefined) {
    const array = /** @type {da.NDArray} */ (arrays.get(read))
    const found = /** @type {da.Dense} */ (await array.reshape(-1).compute(here))
    const { buffer, byteOffset, byteLength } = found.data
    return { data: Buffer.from(buffer, byteOffset, byteLength).toString('base64') }
  }
  const values = args.map(decoded)
  if (method !== undefined) {
    const [array, ...rest] = values
    return encoded(typeof array[method] === 'function' ? array[method](...rest) : array[method])
  }
  const found = functions.get(call ?? '')
  if (!found) throw new RangeError(`There is no function ${call}`)
  return encoded(await found(...values))
}

/** @param {da.NDArray} bytes @param {SharedArrayBuffer} buffer @param {da.DType} dtype */
function viewed(bytes, buffer, dtype) {
  if (dtype === 'bool') return bytes.astype('bool')
  const types = {
    f64: Float64Array,
    f32: Float32Array,
    i64: BigInt64Array,
    i32: Int32Array,
    i16: Int16Array,
    i8: Int8Array,
    u64: BigUint64Array,
    u32: Uint32Array,
    u16: Uint16Array,
    u8: Uint8Array,
  }
  return da.from(new types[/** @type {keyof typeof types} */ (dtype)](buffer))
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply
  try {
    reply = { value: await answer(JSON.parse(line)) }
  } catch (error) {
    const { message, name, hint } = /** @type {Error & { hint?: string }} */ (error)
    reply = { error: hint === undefined ? message : `${message}. ${hint}`, type: name }
  }
  process.stdout.write(`${JSON.stringify(reply, (_, value) => (value === undefined ? { absent: true } : value))}\n`)
}
