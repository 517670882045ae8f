/** Products; of i64 they wrap around. */
import { cast, full, map, reduce } from '../expression/build.ts'
import { type Accumulator, bigLanesOf, firstWord, lanesOf, plainMeasure, type Reduction } from './reduction.ts'
import { all } from './truth.ts'

export const productAccumulator: Accumulator = {
  words: 1,
  start(dtype, { f, i }, at) {
    if (dtype === 'i64') i[at] = 1n
    else f[at] = 1
  },
  absorb(measure, instance, { f, i }, at) {
    if (measure.dtype === 'i64') i[at] = bigLanesOf(measure, instance).reduce((a, b) => BigInt.asIntN(64, a * b), i[at] as bigint)
    else f[at] = lanesOf(measure, instance).reduce((a, b) => a * b, f[at] as number)
  },
  merge(dtype, { f, i }, at, other, from) {
    if (dtype === 'i64') i[at] = BigInt.asIntN(64, (i[at] as bigint) * (other.i[from] as bigint))
    else f[at] = (f[at] as number) * (other.f[from] as number)
  },
}

export const prod: Reduction = {
  name: 'prod',
  resultType: (dtype) => (dtype === 'i64' || dtype === 'f32' ? dtype : 'f64'),
  carriesInt64: true,
  /** The product of finite elements among which is a zero is zero, also where the others overflow. */
  madeOf(input, axes) {
    if (input.dtype === 'i64') return undefined
    const values = cast(input, 'f64')
    const plain = reduce(prod, values, axes)
    const finite = reduce(all, map('isfinite', [values]), axes)
    const overflowed = map('logicalAnd', [map('isnan', [plain]), finite])
    return cast(map('where', [overflowed, full([], 'f64', 0), plain]), input.dtype === 'f32' ? 'f32' : 'f64')
  },
  overRows: (kernel, value) => plainMeasure(kernel, 'prod', value),
  sideBySide(carrying, value, dtype) {
    carrying.carry(dtype, dtype === 'i64' ? 1n : 1, (held) => carrying.program.operation('multiply', dtype, dtype, [held, value]))
    return 'prod'
  },
  finish: firstWord,
}
