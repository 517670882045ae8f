/** Tries every layout of a training step on all GPUs and on halves of them: the fastest, what trades time for money, and why the others are out. */
import { decisive } from '../cost/terms.ts'
import type { TrainingLayout, TrainingSetting } from '../cost/training-setting.ts'
import { trainingMemory } from '../cost/training-memory.ts'
import { trainingStep } from '../cost/training.ts'
import { indivisible } from './divide.ts'
import { paretoFront } from './pareto.ts'
import { blameOf, worthwhile } from './scaling.ts'
import type { TrainCandidate, TrainPlan, TrainRejected, TrainRequest, TrainScalingRow } from './train-request.ts'

export function searchTraining(request: TrainRequest): TrainPlan {
  const total = request.nodes * request.perNode
  const candidates: TrainCandidate[] = []
  const rejected: TrainRejected[] = []
  const scaling: TrainScalingRow[] = []
  for (const gpus of halves(total)) {
    const found: TrainCandidate[] = []
    for (const layout of trainingLayouts(request, gpus)) {
      const outcome = outcomeOf(layout, gpus, request)
      if ('step' in outcome) found.push(outcome)
      else if (gpus === total) rejected.push(outcome)
    }
    candidates.push(...found)
    const fastest = found.toSorted((a, b) => a.step.seconds - b.step.seconds)[0]
    if (fastest !== undefined)
      scaling.push({ gpus, layout: fastest.layout, stepSeconds: fastest.step.seconds, ...against(candidates, fastest, gpus / 2) })
  }
  // All GPUs are there to be used: the shortest step is the best one, and the cheapest is in the front.
  const bySeconds = candidates.toSorted((a, b) => a.step.seconds - b.step.seconds || a.memory.total - b.memory.total)
  return {
    best: bySeconds[0],
    pareto: paretoFront(
      bySeconds,
      ({ step }) => step.seconds,
      ({ dollarsPerMillion }) => dollarsPerMillion,
    ),
    candidates: bySeconds,
    rejected,
    scaling,
  }
}

/** 1, 2, 4 … and the whole, ascending. */
function halves(total: number): number[] {
  const counts: number[] = []
  for (let gpus = total; Number.isInteger(gpus) && gpus >= 1; gpus /= 2) counts.unshift(gpus)
  return counts
}

function against(candidates: readonly TrainCandidate[], fastest: TrainCandidate, gpus: number): Partial<TrainScalingRow> {
  const half = candidates.filter((one) => one.gpus === gpus).toSorted((a, b) => a.step.seconds - b.step.seconds)[0]
  if (half === undefined) return {}
  const gain = half.step.seconds / fastest.step.seconds
  return { gain, worthIt: gain >= worthwhile, blame: blameOf(half.step.terms, fastest.step.terms) }
}

export function* trainingLayouts({ model, perNode, batch, only = {} }: TrainRequest, gpus: number): Generator<TrainingLayout> {
  const pick = <K extends keyof TrainingLayout>(key: K, values: readonly TrainingLayout[K][]): readonly TrainingLayout[K][] => {
    const wanted = only[key]
    return wanted === undefined ? values : [wanted as TrainingLayout[K]]
  }
  for (const tensor of pick('tensor', powersUpTo(Math.min(gpus, perNode)))) {
    for (const pipeline of pick('pipeline', stagesUpTo(Math.floor(gpus / tensor), model.layers))) {
      const data = gpus / (tensor * pipeline)
      if (!Number.isInteger(data) || (only.data !== undefined && only.data !== data)) continue
      const experts = model.experts === undefined ? [1] : powersUpTo(data)
      for (const expert of pick('expert', experts)) {
        for (const microbatch of pick('microbatch', [1, 2, 4, 8, 16])) {
          if (batch % (data * microbatch) !== 0) continue
          for (const interleave of pick('interleave', interleaves(pipeline, model.layers, batch / (data * microbatch)))) {
            for (const zero of pick('zero', pipeline > 1 || data === 1 ? [1] : [1, 2, 3])) {
              for (const recompute of pick('recompute', ['none', 'full'])) {
                for (const sequenceParallel of pick('sequenceParallel', tensor > 1 ? [true, false] : [false])) {
                  yield { data, tensor, pipeline, expert, interleave, zero, microbatch, recompute, sequenceParallel }
                }
              }
            }
          }
        }
      }
    }
  }
}

function powersUpTo(most: number): number[] {
  const sizes: number[] = []
  for (let size = 1; size <= most; size *= 2) sizes.push(size)
  return sizes
}

function stagesUpTo(most: number, layers: number): number[] {
  return [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64].filter((size) => size <= most && size <= layers)
}

/** Interleaving wants chunks of equal length, and microbatches that divide by the stages. */
function interleaves(pipeline: number, layers: number, microbatches: number): number[] {
  if (pipeline === 1 || layers % pipeline !== 0 || microbatches % pipeline !== 0) return [1]
  return [1, 2, 3, 4, 5, 6].filter((chunks) => (layers / pipeline) % chunks === 0)
}

function outcomeOf(layout: TrainingLayout, gpus: number, request: TrainRequest): TrainCandidate | TrainRejected {
  const { model, gpu, perNode, precision, sequence, batch, price, efficiencies } = request
  const undivided = indivisible(model, { ...layout, attentionData: 1 })
  if (undivided !== undefined) return { layout, reason: 'divisibility', why: undivided }
  const setting: TrainingSetting = { model, gpu, layout, precision, sequence, batch, perNode, efficiencies }
  const memory = trainingMemory(setting)
  if (memory.total > gpu.memoryBytes) {
    const [needed, has] = [memory.total, gpu.memoryBytes].map((bytes) => `${(bytes / 1e9).toFixed(0)} GB`)
    return {
      layout,
      reason: 'memory',
      why: `needs ${needed} per GPU (${(memory.activations / 1e9).toFixed(0)} GB of it activations), which has ${has}`,
    }
  }
  const step = trainingStep(setting)
  const tokensPerSecond = (batch * sequence) / step.seconds
  return {
    layout,
    gpus,
    step,
    memory,
    tokensPerSecond,
    dollarsPerMillion: (gpus * price * 1e6) / 3600 / tokensPerSecond,
    decides: decisive(step.terms),
  }
}

/** `DP8 TP4 PP2×3 ZeRO-1 µ2, full recompute, SP`. */
export function trainingLayoutName(layout: TrainingLayout): string {
  const { data, tensor, pipeline, expert, interleave, zero, microbatch, recompute, sequenceParallel } = layout
  const parts = [`DP${data}`, `TP${tensor}`]
  if (pipeline > 1) parts.push(interleave > 1 ? `PP${pipeline}×${interleave}` : `PP${pipeline}`)
  if (expert > 1) parts.push(`EP${expert}`)
  if (zero > 0) parts.push(`ZeRO-${zero}`)
  parts.push(`micro ${microbatch}`)
  if (recompute !== 'none') parts.push(`${recompute} recompute`)
  if (sequenceParallel) parts.push('SP')
  return parts.join(' ')
}
