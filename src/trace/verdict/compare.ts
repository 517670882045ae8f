import { counted } from '../../base/counted.ts'
import { formatMs } from '../../base/duration.ts'
import { type Advice, adviceOf, wholeRun } from '../advice/advice.ts'
import { explain } from './explain.ts'
import type { Explanation } from './explanation.ts'
import type { Trace } from '../model/trace.ts'
import { fitScaling, predictThroughput, type ScalingFit } from '../explain/scaling.ts'
import { factor, type SpeedupIs } from '../explain/speedup.ts'
import { percent } from '../explain/words.ts'

/** One run of a comparison. */
export interface ComparedRun {
  readonly name: string
  /** Workers, or tasks at once where there were none. */
  readonly workers: number
  readonly tasks: number
  readonly wallMs: number
  readonly workMs: number
  readonly speedup: number
  readonly speedupIs: SpeedupIs
  readonly idleShare: number
}

/** Runs beside each other; {@link compare} makes one. */
export interface Comparison {
  readonly runs: readonly ComparedRun[]
  /** Undefined when all runs had the same number of workers. */
  readonly scaling: ScalingFit | undefined
  /** What the numbers say, line by line. */
  readonly lines: readonly string[]
  readonly advice: readonly Advice[]
}

/**
 * Runs of the same program beside each other: which was faster, why, and what more workers would do. Never throws.
 *
 * @param traces one per run, with different numbers of workers where scaling is asked for
 * @example
 * for (const line of compare([before, after]).lines) console.log(line)
 */
export function compare(traces: readonly Trace[]): Comparison {
  const explained = traces.map((trace) => ({ trace, explanation: explain(trace) }))
  const runs = explained.map(({ trace, explanation }) => comparedRun(trace, explanation))
  const scaling = fitScaling(runs.map(({ workers, tasks, wallMs }) => ({ workers, throughput: tasks / wallMs })))
  return { runs, scaling, lines: [...comparisonLines(runs), ...scalingLines(runs, scaling)], advice: tooMany(runs, scaling) }
}

function comparedRun({ meta, tasks }: Trace, { idle, wallMs, work, speedup, speedupIs }: Explanation): ComparedRun {
  return {
    name: meta.name,
    workers: idle.rows,
    tasks: tasks.count,
    wallMs,
    workMs: work.workMs,
    speedup,
    speedupIs,
    idleShare: idle.share,
  }
}

/** Runs closer together than this are the same to a person. */
const asFast = 0.03

function comparisonLines(runs: readonly ComparedRun[]): string[] {
  const [first, last] = [runs[0], runs.at(-1)]
  if (!first || !last || first === last || last.wallMs === 0 || first.wallMs === 0) return []
  const ratio = first.wallMs / last.wallMs
  const change = ratio >= 1 ? `${factor(ratio)} faster than` : `${factor(1 / ratio)} slower than`
  const words = Math.abs(ratio - 1) < asFast ? 'as fast as' : change
  const lines = [`${formatMs(first.wallMs)} → ${formatMs(last.wallMs)}: the last run was ${words} the first`]
  if (first.tasks !== last.tasks)
    lines.push(`not the same work: ${counted(first.tasks, 'task')} and ${last.tasks.toLocaleString('en')}`)
  return lines
}

function scalingLines(runs: readonly ComparedRun[], scaling: ScalingFit | undefined): string[] {
  if (!scaling) return runs.length > 1 ? ['all runs had the same number of workers: nothing to be said about more of them'] : []
  const { law, sigma, kappa, peak, maxSpeedup } = scaling
  const most = Math.max(...runs.map(({ workers }) => workers))
  const name = law === 'usl' ? 'Universal Scalability Law' : "Amdahl's law"
  const costs = law === 'usl' ? `, ${kappa.toPrecision(2)} for keeping them agreed` : ''
  const double = predictThroughput(scaling, 2 * most) / predictThroughput(scaling, most)
  const lines = [`${name}: ${percent(sigma)} of the work is serial${costs}`]
  if (most > peak) lines.push(`best with ${counted(Math.max(1, Math.round(peak)), 'worker')}; ${most} are already too many`)
  else if (double < 1.1)
    lines.push(`more workers will not help: twice as many would give ${factor(double)}, any number at most ${factor(maxSpeedup)}`)
  else
    lines.push(
      `twice as many workers (${2 * most}) would give ${factor(double)}, if there are cores for them${bound(maxSpeedup)}`,
    )
  return lines
}

function bound(maxSpeedup: number): string {
  return Number.isFinite(maxSpeedup) ? `; any number at most ${factor(maxSpeedup)} of one` : ''
}

function tooMany(runs: readonly ComparedRun[], scaling: ScalingFit | undefined): Advice[] {
  const worst = runs.reduce<ComparedRun | undefined>((most, run) => (most && most.workers >= run.workers ? most : run), undefined)
  if (!scaling || !worst || worst.workers <= scaling.peak) return []
  const best = Math.max(1, Math.round(scaling.peak))
  const savingMs = worst.wallMs * (1 - predictThroughput(scaling, worst.workers) / predictThroughput(scaling, best))
  return [
    adviceOf({
      rule: 'more-workers-hurt',
      where: wholeRun,
      message: `${counted(worst.workers, 'worker')} ${worst.workers === 1 ? 'is' : 'are'} slower than ${best}`,
      proof: [
        `throughput peaks at ${scaling.peak.toFixed(1)} workers (serial share ${percent(scaling.sigma)}, coherence ${scaling.kappa.toPrecision(2)})`,
      ],
      savingMs,
      remedy: `heddle run --concurrency ${best} …`,
    }),
  ]
}
