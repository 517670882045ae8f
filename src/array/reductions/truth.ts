/** Whether any, or all, of the elements are true. */
import { type Accumulator, firstWord, lanesOf, plainMeasure, type Reduction } from './reduction.ts'

function accumulator(neutral: 0 | 1, combined: (a: number, b: number) => number): Accumulator {
  return {
    words: 1,
    start: (_, { f }, at) => void (f[at] = neutral),
    absorb: (measure, instance, { f }, at) => void (f[at] = lanesOf(measure, instance).reduce(combined, f[at] as number)),
    merge: (_, { f }, at, other, from) => void (f[at] = combined(f[at] as number, other.f[from] as number)),
  }
}

export const anyAccumulator = accumulator(0, (a, b) => (a || b ? 1 : 0))
export const allAccumulator = accumulator(1, (a, b) => (a && b ? 1 : 0))

function truth(name: 'any' | 'all'): Reduction {
  return {
    name,
    takes: 'bool',
    resultType: () => 'bool',
    overRows: (kernel, value) => plainMeasure(kernel, name, value),
    sideBySide(carrying, value) {
      carrying.carry('f64', name === 'any' ? 0 : 1, (held) => carrying.f(name === 'any' ? 'maximum' : 'minimum', held, value))
      return name
    },
    finish: firstWord,
  }
}

export const any = truth('any')
export const all = truth('all')
