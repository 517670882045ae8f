/**
 * The header of `.npy` files, versions 1.0 to 3.0 (NEP 1, https://numpy.org/neps/nep-0001-npy-format.html): a magic string, a length,
 * and a Python dict literal. It comes from outside, so it is parsed, never evaluated, and every number in it is checked.
 */
import { FileRefused } from '../../base/errors.ts'
import type { DType } from '../expression/dtype.ts'
import { type Shape, sizeOf } from '../expression/shape.ts'

export interface NpyHeader {
  readonly dtype: DType
  readonly bigEndian: boolean
  readonly fortranOrder: boolean
  readonly shape: Shape
  /** Where the elements begin. */
  readonly dataOffset: number
}

const magic = '\x93NUMPY'
/** NumPy refuses to parse longer ones as well; a real header has about 80 characters. */
const longestHeader = 10_000
/** NumPy's limit. */
const mostAxes = 64

/** A map, because names come from outside: those of a prototype are none. */
const types: ReadonlyMap<string, DType> = new Map([
  ['f8', 'f64'],
  ['f4', 'f32'],
  ['f2', 'f16'],
  ['i8', 'i64'],
  ['i4', 'i32'],
  ['i2', 'i16'],
  ['i1', 'i8'],
  ['u8', 'u64'],
  ['u4', 'u32'],
  ['u2', 'u16'],
  ['u1', 'u8'],
  ['b1', 'bool'],
])

/** Bytes that {@link parseHeader} needs to see. */
export const headerBytes = 12 + longestHeader

/**
 * @param start the beginning of the file
 * @throws {FileRefused} saying what is wrong
 */
export function parseHeader(start: Uint8Array, path: string): NpyHeader {
  const refuse = (why: string): FileRefused => new FileRefused(`${path} cannot be read as a .npy file: ${why}`)
  const text = Buffer.from(start.buffer, start.byteOffset, start.byteLength).toString('latin1')
  if (text.slice(0, 6) !== magic) throw refuse(text.length < 6 ? 'it is too short' : 'it does not begin with the magic string')
  const [major, minor] = [start[6], start[7]]
  if ((major !== 1 && major !== 2 && major !== 3) || minor !== 0) throw refuse(`version ${major}.${minor} is unknown`)
  const lengthAt = major === 1 ? 10 : 12
  if (start.length < lengthAt) throw refuse('it ends in the middle of the header')
  const view = new DataView(start.buffer, start.byteOffset)
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > longestHeader) throw refuse(`its header claims ${length} bytes; at most ${longestHeader} are read`)
  if (start.length < lengthAt + length) throw refuse('it ends in the middle of the header')
  const fields = parseDict(text.slice(lengthAt, lengthAt + length), refuse)
  return { ...checkFields(fields, refuse), dataOffset: lengthAt + length }
}

type Fields = ReadonlyMap<string, string | boolean | readonly number[]>
type Refuse = (why: string) => FileRefused

/** One pattern per kind of value; Python's other literals have no place here. */
const entry =
  /^\s*(?:'([^'\\]*)'|"([^"\\]*)")\s*:\s*(?:'([^'\\]*)'|(True|False)|\(((?:\s*\d+L?\s*,)*\s*(?:\d+L?)?\s*)\))\s*(,|(?=\}))/

function parseDict(header: string, refuse: Refuse): Fields {
  const body = header.trim()
  if (!body.startsWith('{') || !body.endsWith('}')) throw refuse('its header is not a dict')
  const fields = new Map<string, string | boolean | readonly number[]>()
  let rest = body.slice(1)
  while (rest.trim() !== '}') {
    const match = entry.exec(rest)
    if (!match) throw refuse(`its header cannot be understood at ${JSON.stringify(rest.slice(0, 40))}`)
    const [whole, single, double, string, truth, tuple] = match
    const name = (single ?? double) as string
    if (fields.has(name)) throw refuse(`its header names \`${name}\` twice`)
    if (string !== undefined) fields.set(name, string)
    else if (truth !== undefined) fields.set(name, truth === 'True')
    else
      fields.set(
        name,
        (tuple as string)
          .split(',')
          .map((n) => n.trim().replace('L', ''))
          .filter((n) => n !== '')
          .map(Number),
      )
    rest = rest.slice(whole.length)
  }
  return fields
}

function checkFields(fields: Fields, refuse: Refuse): Omit<NpyHeader, 'dataOffset'> {
  const names = [...fields.keys()].sort().join()
  if (names !== 'descr,fortran_order,shape')
    throw refuse(`its header has the fields ${names || 'none'}, not descr, fortran_order and shape`)
  const descr = fields.get('descr')
  const fortranOrder = fields.get('fortran_order')
  const shape = fields.get('shape')
  if (typeof descr !== 'string') throw refuse('`descr` is not a string')
  const dtype = types.get(descr.slice(1))
  if (!dtype || !'<>|='.includes(descr[0] as string)) {
    throw refuse(`its dtype is '${descr}'; ${[...types.keys()].join(', ')} can be read`)
  }
  if (typeof fortranOrder !== 'boolean') throw refuse('`fortran_order` is neither True nor False')
  if (!Array.isArray(shape)) throw refuse('`shape` is not a tuple of whole numbers')
  const lengths = shape as readonly number[]
  if (lengths.length > mostAxes || !lengths.every(Number.isSafeInteger) || !Number.isSafeInteger(sizeOf(lengths) * 8)) {
    throw refuse(`its shape is too large: (${lengths.slice(0, 8).join(', ')}${lengths.length > 8 ? ', …' : ''})`)
  }
  return { dtype, bigEndian: descr.startsWith('>'), fortranOrder, shape: lengths }
}

const descrs: Readonly<Record<DType, string>> = {
  f64: '<f8',
  f32: '<f4',
  f16: '<f2',
  i64: '<i8',
  i32: '<i4',
  i16: '<i2',
  i8: '|i1',
  u64: '<u8',
  u32: '<u4',
  u16: '<u2',
  u8: '|u1',
  bool: '|b1',
}

/** The header of an array in C order, padded as NumPy does, so that the elements begin at a multiple of 64. */
export function encodeHeader(dtype: DType, shape: Shape): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const dict = `{'descr': '${descrs[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`
  const total = Math.ceil((10 + dict.length + 1) / 64) * 64
  const out = Buffer.alloc(total, ' ')
  out.write(magic, 0, 'latin1')
  out.set([1, 0], 6)
  out.writeUInt16LE(total - 10, 8)
  out.write(dict, 10, 'latin1')
  out[total - 1] = 0x0a
  return out
}
