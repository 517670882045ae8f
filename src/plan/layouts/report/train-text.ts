/** A plan for training as lines of text. */
import { termLabels } from '../cost/terms.ts'
import { trainingLayoutName } from '../search/train.ts'
import type { TrainCandidate, TrainPlan, TrainRequest } from '../search/train-request.ts'
import { count, gb, money, ms, shares } from './serve-text.ts'
import { table } from './table.ts'

export interface TrainTextOptions {
  readonly assumptions: readonly string[]
  readonly confidence: { readonly error: number; readonly basis: string }
  readonly launch: string | undefined
  readonly nearest: readonly string[]
}

export function trainText(
  request: TrainRequest,
  plan: TrainPlan,
  { assumptions, confidence, launch, nearest }: TrainTextOptions,
): string[] {
  const { model, gpu, nodes, perNode, precision, sequence, batch } = request
  const lines = [
    `Training ${model.name} in ${precision} on ${nodes} × ${perNode} ${gpu.name}: ${count(batch)} sequences of ${count(sequence)} tokens a step`,
    '',
  ]
  if (plan.best === undefined) lines.push('No layout fits. The nearest that works:', ...nearest.map((line) => `  ${line}`))
  else
    lines.push(
      ...bestLines(plan.best, request),
      '',
      'Fastest, and what is cheaper:',
      ...rows(plan.pareto),
      '',
      'Next to it on all GPUs:',
      ...rows(next(plan)),
    )
  if (plan.scaling.length > 1) lines.push('', ...scalingLines(plan))
  const out = (['memory', 'divisibility'] as const).flatMap((reason) => {
    const some = plan.rejected.filter((one) => one.reason === reason)
    const first = some[0]
    return first === undefined
      ? []
      : [
          `  ${count(some.length)} ${reason === 'memory' ? 'do not fit the memory' : 'do not divide'}, such as ${trainingLayoutName(first.layout)}: ${first.why}`,
        ]
  })
  if (out.length > 0) lines.push('', 'Out:', ...out)
  if (launch !== undefined) lines.push('', 'Start it (Megatron-LM):', `  ${launch}`)
  lines.push('', 'Assumed:', ...assumptions.map((line) => `  ${line}`))
  lines.push(`Expect an error of ±${Math.round(confidence.error * 100)} % in the time of a step: ${confidence.basis}`)
  return lines
}

function bestLines(
  { layout, gpus, step, memory, tokensPerSecond, dollarsPerMillion }: TrainCandidate,
  { tokens, price, gpu }: TrainRequest,
): string[] {
  const lines = [
    `Best: ${trainingLayoutName(layout)} on ${gpus} GPUs`,
    `  ${ms(step.seconds)} a step, ${count(tokensPerSecond)} tokens/s (${count(step.tokensPerSecondPerGpu)} per GPU), ${(step.modelFlops / 1e12).toFixed(0)} TFLOP/s per GPU: ${(step.utilization * 100).toFixed(0)} % of the peak`,
    `  $${money(dollarsPerMillion)} per million tokens; per GPU ${gb(memory.weights + memory.gradients + memory.optimizer)} of model state and ${gb(memory.activations)} of activations, of ${gb(gpu.memoryBytes)}`,
    `  a step: ${shares(step.terms)}`,
  ]
  if (tokens !== undefined) {
    const hours = tokens / tokensPerSecond / 3600
    lines.push(
      `  ${count(tokens / 1e9)} thousand million tokens take ${(hours / 24).toPrecision(3)} days and cost $${count(hours * gpus * price)}`,
    )
  }
  return lines
}

function next({ candidates, best }: TrainPlan): readonly TrainCandidate[] {
  return candidates.filter((one) => one.gpus === best?.gpus).slice(1, 6)
}

function rows(candidates: readonly TrainCandidate[]): string[] {
  return table(
    ['layout', 'GPUs', 's/step', 'tokens/s', '% of peak', 'GB/GPU', '$/million', 'decides'],
    candidates.map(({ layout, gpus, step, memory, tokensPerSecond, dollarsPerMillion, decides }) => [
      trainingLayoutName(layout),
      String(gpus),
      step.seconds.toPrecision(3),
      count(tokensPerSecond),
      (step.utilization * 100).toFixed(0),
      (memory.total / 1e9).toFixed(0),
      money(dollarsPerMillion),
      termLabels[decides],
    ]),
  )
}

function scalingLines({ scaling }: TrainPlan): string[] {
  const stop = scaling.find(({ worthIt }) => worthIt === false)
  return [
    'More GPUs for the same step:',
    ...table(
      ['GPUs', 'fastest', 's/step', 'twice the GPUs'],
      scaling.map(({ gpus, layout, stepSeconds, gain, worthIt, blame }) => [
        String(gpus),
        trainingLayoutName(layout),
        stepSeconds.toPrecision(3),
        gain === undefined || blame === undefined
          ? ''
          : `${gain.toFixed(2)} × as fast${worthIt === true ? '' : `, held back by ${termLabels[blame]}`}`,
      ]),
    ),
    stop?.blame === undefined
      ? 'Each doubling is worth it.'
      : `More than ${stop.gpus / 2} GPUs stop helping: ${termLabels[stop.blame]}.`,
  ]
}
