/** Variance and standard deviation. */
import { full, map } from '../expression/build.ts'
import type { Node } from '../expression/node.ts'
import type { Accumulator, Reduction } from './reduction.ts'
import { roundedSum } from './states.ts'
import { absorbDoubles, floating } from './sum.ts'

/** Words: count, mean, sum of squared distances from it; merged as by Chan, Golub and LeVeque (1979). */
export const momentsAccumulator: Accumulator = {
  words: 3,
  start: (_, { f }, at) => void f.fill(0, at, at + 3),
  /** Sums of x − shift and of its square, with the shift near the mean. */
  absorb({ reduction, extra }, { doubles, kernel }, { f }, at, _, count) {
    pairs.fill(0)
    absorbDoubles(doubles, (kernel.reductions[reduction]?.address as number) / 8, pairs, 0)
    absorbDoubles(doubles, (kernel.reductions[reduction + 1]?.address as number) / 8, pairs, 2)
    const shift = doubles[(kernel.parameters[extra]?.address as number) / 8] as number
    const sum = roundedSum(pairs[0] as number, pairs[1] as number)
    const squares = roundedSum(pairs[2] as number, pairs[3] as number)
    mergeMoments(f, at, count, shift + sum / count, Math.max(0, squares - (sum * sum) / count))
  },
  merge: (_, { f }, at, { f: other }, from) =>
    mergeMoments(f, at, other[from] as number, other[from + 1] as number, other[from + 2] as number),
  /** With the mean so far subtracted no digits are lost, wherever the elements lie. */
  shift: ({ f }, at) => f[at + 1] as number,
}

/** The sums of a block's moments. */
const pairs = new Float64Array(4)

function mergeMoments(f: Float64Array, at: number, count: number, mean: number, squares: number): void {
  const before = f[at] as number
  if (count === 0) return
  const total = before + count
  const delta = mean - (f[at + 1] as number)
  f[at] = total
  f[at + 1] = before === 0 ? mean : (f[at + 1] as number) + (delta * count) / total
  f[at + 2] = before === 0 ? squares : (f[at + 2] as number) + squares + delta * delta * ((before * count) / total)
}

function spread(name: 'var' | 'std'): Reduction {
  return {
    name,
    resultType: floating,
    overRows({ program, parameters }, value) {
      const shift = program.parameter('f64')
      parameters.push(0)
      const distance = program.operation('subtract', 'f64', 'f64', [program.cast(value, 'f64'), shift])
      const square = program.operation('square', 'f64', 'f64', [distance])
      const reduction = program.reductions.push({ kind: 'sum', value: distance }, { kind: 'sum', value: square }) - 2
      return { kind: 'moments', dtype: 'f64', reduction, extra: parameters.length - 1 }
    },
    /** Welford's recurrence (1962). The count is the same for all elements, so it is not carried. */
    sideBySide(carrying, value) {
      const mean = carrying.word('f64', 0)
      const squares = carrying.word('f64', 0)
      const distance = carrying.f('subtract', value, mean.value)
      const next = carrying.f('add', mean.value, carrying.f('divide', distance, carrying.round('count')))
      mean.become(next)
      squares.become(carrying.f('add', squares.value, carrying.f('multiply', distance, carrying.f('subtract', value, next))))
      return 'moments'
    },
    finish(words, count, ddof) {
      const variance = map('divide', [words[2] as Node, full([], 'f64', Math.max(0, count - ddof))])
      return name === 'std' ? map('sqrt', [variance]) : variance
    },
  }
}

export const variance = spread('var')
export const std = spread('std')
