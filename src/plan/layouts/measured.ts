import { InvalidOption } from '../../base/errors.ts'
import { readBenchCsv } from './calibrate/bench-csv.ts'
import { calibrate, type Calibration } from './calibrate/calibrate.ts'
import { type Comparison, compareRun } from './calibrate/compare.ts'
import { type MeasuredRun, readMeasuredRuns } from './calibrate/measured-run.ts'
import type { ReplicaLayout } from './cost/forward.ts'
import { servingRequest, type ServingOptions } from './plan-serving.ts'
import { settingOf } from './search/setting.ts'

/**
 * Fits the engine's efficiencies to measured rows: a CSV with the columns `input`, `output`, `concurrency`, `tensor` and `tpot_ms` (or as vLLM, SGLang and
 * AIConfigurator name them). Few efficiencies move, softly, and the error is that of rows which the fit had not seen.
 * @param csv text of the table
 * @param name of the file, for messages
 * @throws {InvalidOption} when a column is missing or a cell is not a number
 * @example
 * const { efficiencies } = calibrateServing({ model: 'llama-3.1-8b', gpu: 'h100-sxm' }, readFileSync('bench.csv', 'utf8'))
 */
export function calibrateServing(options: ServingOptions, csv: string, name = 'the table'): Calibration {
  const rows = readBenchCsv(csv, name)
  const request = servingRequest(options)
  const calibration = calibrate(rows, settingOf(request, single))
  if (calibration.rows > 0) return calibration
  throw new InvalidOption(
    `In all ${rows.length} rows of ${name} requests wait for the KV cache: their time per token says nothing about the layout`,
    {
      hint: 'Measure with fewer requests under way, or on the GPU that --gpu names.',
    },
  )
}

/** A measured run beside its prediction. */
export interface ServingComparison extends Comparison {
  readonly run: MeasuredRun
  readonly layout: ReplicaLayout
  readonly replicas: number
}

/**
 * Holds predictions against measured runs, and says which term was off.
 * @param text of a result file of vLLM, SGLang or AIPerf
 * @param name of the file, for messages
 * @throws {InvalidOption} when the file is none of these, or says nothing of how many requests were under way
 */
export function compareServing(
  options: Omit<ServingOptions, 'input' | 'output'>,
  text: string,
  name = 'the result',
): ServingComparison[] {
  const { only = {} } = options
  const { tensor = options.perNode ?? 1, pipeline = 1, expert = 1, attentionData = 1 } = only
  const layout: ReplicaLayout = { tensor, pipeline, expert, attentionData }
  const replicas = only.replicas ?? 1
  return readMeasuredRuns(text, name).map((run) => {
    const request = servingRequest({ ...options, input: run.input, output: run.output })
    const underWay = run.concurrency ?? options.concurrency ?? littleOf(run)
    if (underWay === undefined) {
      throw new InvalidOption(`${name} does not say how many requests were under way`, { hint: 'Give --concurrency.' })
    }
    return { run, layout, replicas, ...compareRun(settingOf(request, layout), run, Math.max(1, Math.round(underWay / replicas))) }
  })
}

const single: ReplicaLayout = { tensor: 1, pipeline: 1, expert: 1, attentionData: 1 }

/** Under way on average: arrivals times stay. */
function littleOf({ tokensPerSecond, output, tokenSeconds, firstTokenSeconds = 0 }: MeasuredRun): number | undefined {
  return tokensPerSecond === undefined ? undefined : (tokensPerSecond / output) * (firstTokenSeconds + tokenSeconds * output)
}
