/** Where the smallest and the largest element are: the first of several, and the first NaN if there is one. */
import type { Node } from '../expression/node.ts'
import type { KernelInstance } from '../kernel/instance.ts'
import type { ValueId } from '../kernel/ir.ts'
import { type Accumulator, bigLanesOf, lanesOf, type Measure, type Reduction } from './reduction.ts'
import { beats, extremeStart, type States } from './states.ts'

type Side = 'min' | 'max'

/** Words: the value, the index of its first occurrence or −1. */
function accumulator(side: Side): Accumulator {
  return {
    words: 2,
    start(dtype, { f, i }, at) {
      if (dtype === 'i64') i[at] = extremeStart(side, dtype) as bigint
      else f[at] = extremeStart(side, dtype) as number
      f[at + 1] = -1
    },
    absorb(measure, instance, states, at, position, count) {
      if (measure.dtype === 'i64') absorbBig(side, measure, instance, states, at, position)
      else absorbNumbers(side, measure, instance, states, at, position, count)
    },
    merge(dtype, { f, i }, at, other, from) {
      if (other.f[from + 1] === -1) return
      const better =
        dtype === 'i64'
          ? beats(side, other.i[from] as bigint, i[at] as bigint)
          : beats(side, other.f[from] as number, f[at] as number)
      if (f[at + 1] !== -1 && !better) return
      i[at] = other.i[from] as bigint
      f[at + 1] = other.f[from + 1] as number
    },
  }
}

export const argminAccumulator = accumulator('min')
export const argmaxAccumulator = accumulator('max')

function absorbNumbers(
  side: Side,
  measure: Measure,
  instance: KernelInstance,
  { f }: States,
  at: number,
  position: number,
  count: number,
): void {
  const best = lanesOf(measure, instance).reduce(side === 'max' ? (a, b) => Math.max(a, b) : (a, b) => Math.min(a, b))
  const none = f[at + 1] === -1
  if (!none && !beats(side, best, f[at] as number)) return
  // Only now is it worth while to look where it is.
  const values = instance.output(measure.extra) as Float64Array
  let index = 0
  if (Number.isNaN(best)) while (index < count && !Number.isNaN(values[index] as number)) index++
  else while (index < count && values[index] !== best) index++
  f[at] = best
  f[at + 1] = position + index
}

function absorbBig(side: Side, measure: Measure, instance: KernelInstance, { f, i }: States, at: number, position: number): void {
  const best = bigLanesOf(measure, instance).reduce((a, b) => (a > b === (side === 'max') ? a : b))
  if (f[at + 1] !== -1 && !beats(side, best, i[at] as bigint)) return
  i[at] = best
  f[at + 1] = position + (instance.output(measure.extra) as BigInt64Array).indexOf(best)
}

function argument(side: Side): Reduction {
  const name = `arg${side}` as const
  return {
    name,
    needsElements: true,
    resultType: () => 'f64',
    carriesInt64: true,
    overRows({ program }, value) {
      const reduction = program.reductions.push({ kind: side, value }) - 1
      return { kind: name, dtype: program.dtype(value), reduction, extra: program.outputs.push({ value }) - 1 }
    },
    sideBySide(carrying, value, dtype) {
      const { program } = carrying
      const best = carrying.word(dtype, extremeStart(side, dtype))
      const index = carrying.word('f64', -1)
      const logic = (op: 'logicalAnd' | 'logicalOr', a: ValueId, b: ValueId): ValueId =>
        program.operation(op, 'bool', 'bool', [a, b])
      const none = program.operation('less', 'f64', 'bool', [index.value, carrying.constant(0)])
      let better = logic(
        'logicalOr',
        none,
        program.operation(side === 'min' ? 'less' : 'greater', dtype, 'bool', [value, best.value]),
      )
      if (dtype === 'f64') {
        const isNaN = (v: ValueId): ValueId => program.operation('isnan', 'f64', 'bool', [v])
        better = logic(
          'logicalOr',
          better,
          logic('logicalAnd', isNaN(value), program.operation('logicalNot', 'bool', 'bool', [isNaN(best.value)])),
        )
      }
      best.become(program.operation('where', dtype, dtype, [better, value, best.value]))
      index.become(program.operation('where', 'f64', 'f64', [better, carrying.round('round'), index.value]))
      return name
    },
    finish: (words) => words[1] as Node,
  }
}

export const argmin = argument('min')
export const argmax = argument('max')
