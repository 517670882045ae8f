/** A comparison with measured runs as lines of text. */
import { type Comparison } from '../calibrate/compare.ts'
import type { MeasuredRun } from '../calibrate/measured-run.ts'
import type { ReplicaLayout } from '../cost/forward.ts'
import { termLabels } from '../cost/terms.ts'
import { layoutName } from '../search/divide.ts'
import { count, ms } from './serve-text.ts'
import { table } from './table.ts'

interface Compared extends Comparison {
  readonly run: MeasuredRun
  readonly layout: ReplicaLayout
  readonly replicas: number
}

export function compareText(comparisons: readonly Compared[]): string[] {
  return comparisons.flatMap(({ run, layout, replicas, parts, off, moved, notes }, i) => {
    const under = run.concurrency === undefined ? '' : `, ${run.concurrency} requests at once`
    const lines = [
      `${replicas} × ${layoutName(layout)}, measured with ${run.tool}: ${count(run.input)} tokens in, ${count(run.output)} out${under}`,
      ...table(
        ['', 'measured', 'predicted', 'off by'],
        parts.map(({ name, measuredSeconds, predictedSeconds, error }) => [
          name,
          ms(measuredSeconds),
          ms(predictedSeconds),
          `${error < 0 ? '-' : '+'}${Math.abs(error * 100).toFixed(0)} %`,
        ]),
      ),
    ]
    if (off === undefined) lines.push('The prediction holds: within 3 % per token.')
    else {
      lines.push(
        `Off: ${termLabels[off.term]}, ${ms(off.predictedSeconds)} of a token predicted, ${ms(off.explainedSeconds)} explain what was measured.`,
      )
      const changes = moved.slice(0, 3).map(({ name, from, to }) => `${name} ${from.toPrecision(2)} → ${to.toPrecision(2)}`)
      lines.push(
        `  The smallest change of efficiencies that does: ${changes.join(', ')}. One run cannot separate all terms; --calibrate takes a table of runs.`,
      )
    }
    lines.push(...notes.map((note) => `  ${note}`))
    return i === 0 ? lines : ['', ...lines]
  })
}
