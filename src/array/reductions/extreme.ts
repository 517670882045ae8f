/** The smallest and the largest element; NaN if there is one. */
import { type Accumulator, bigLanesOf, firstWord, lanesOf, plainMeasure, type Reduction } from './reduction.ts'
import { beats, extremeStart } from './states.ts'

function accumulator(side: 'min' | 'max'): Accumulator {
  const combined = side === 'min' ? (a: number, b: number) => Math.min(a, b) : (a: number, b: number) => Math.max(a, b)
  return {
    words: 1,
    start(dtype, { f, i }, at) {
      if (dtype === 'i64') i[at] = extremeStart(side, dtype) as bigint
      else f[at] = extremeStart(side, dtype) as number
    },
    absorb(measure, instance, { f, i }, at) {
      if (measure.dtype !== 'i64') f[at] = lanesOf(measure, instance).reduce(combined, f[at] as number)
      else for (const lane of bigLanesOf(measure, instance)) if (beats(side, lane, i[at] as bigint)) i[at] = lane
    },
    merge(dtype, { f, i }, at, other, from) {
      if (dtype !== 'i64') f[at] = combined(f[at] as number, other.f[from] as number)
      else if (beats(side, other.i[from] as bigint, i[at] as bigint)) i[at] = other.i[from] as bigint
    },
  }
}

export const minAccumulator = accumulator('min')
export const maxAccumulator = accumulator('max')

function extreme(side: 'min' | 'max'): Reduction {
  return {
    name: side,
    needsElements: true,
    resultType: (dtype) => dtype,
    carriesInt64: true,
    overRows: (kernel, value) => plainMeasure(kernel, side, value),
    sideBySide(carrying, value, dtype) {
      carrying.carry(dtype, extremeStart(side, dtype), (held) =>
        carrying.program.operation(side === 'min' ? 'minimum' : 'maximum', dtype, dtype, [held, value]),
      )
      return side
    },
    finish: firstWord,
  }
}

export const min = extreme('min')
export const max = extreme('max')
