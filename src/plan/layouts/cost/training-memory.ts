/**
 * What a GPU's memory holds while training with mixed precision and Adam: model state split as ZeRO does it (Rajbhandari et al., SC 2020), activations as
 * Korthikanti et al. count them (MLSys 2023), here for gated feed-forward layers and grouped heads too.
 */
import { parameters, type Architecture } from '../model/architecture.ts'
import type { TrainingSetting } from './training-setting.ts'

/** All per GPU, in bytes. */
export interface TrainingMemory {
  readonly weights: number
  readonly gradients: number
  readonly optimizer: number
  readonly activations: number
  readonly reserve: number
  readonly total: number
}

const gib = 2 ** 30
/** CUDA context, communication buffers, and what the allocator loses between blocks. */
const reserveBytes = 1.5 * gib
const fragmentation = 1

/** Predicts the memory of the fullest GPU that trains a `setting`. Never throws. */
export function trainingMemory(setting: TrainingSetting): TrainingMemory {
  const { model, layout } = setting
  const { data, tensor, pipeline, zero } = layout
  const counts = parameters(model)
  const stage = Math.ceil(model.layers / pipeline) / model.layers
  const body = counts.attention + counts.dense + counts.experts / layout.expert
  const ends = pipeline === 1 ? counts.embedding + counts.head : counts.embedding
  const held = (stage * body + ends) / tensor
  const [opt, grad, weight] = [zero >= 1 ? data : 1, zero >= 2 ? data : 1, zero >= 3 ? data : 1]
  // Sharded weights come together one or two layers at a time.
  const gathered = zero >= 3 ? (2 * 2 * body) / model.layers / tensor : 0
  const weights = (2 * held) / weight + gathered
  const gradients = (4 * held) / grad
  const optimizer = (12 * held) / opt
  const activations = activationBytes(setting)
  return {
    weights,
    gradients,
    optimizer,
    activations,
    reserve: reserveBytes,
    total: (weights + gradients + optimizer + activations) * fragmentation + reserveBytes,
  }
}

/** Activations of one layer and one microbatch, kept for its backward pass, in bytes. */
export function layerActivations({ model, layout, sequence }: TrainingSetting): number {
  const { tensor, microbatch, recompute, sequenceParallel, eagerAttention } = layout
  const unit = sequence * microbatch * model.hidden
  if (recompute === 'full') return (2 * unit) / (sequenceParallel ? tensor : 1)
  // Norms, residuals and dropout masks: whole on every GPU of a tensor group, unless sequence parallelism splits them.
  const whole = 10 / (sequenceParallel ? tensor : 1)
  const split = (attentionInside(model) + feedForwardInside(model)) / tensor
  const scores = eagerAttention && recompute === 'none' ? (5 * model.heads * sequence) / model.hidden / tensor : 0
  return unit * (whole + split + scores)
}

/** Queries, keys, values and what attention gives, in bytes per token and unit of the hidden size. */
function attentionInside(model: Architecture): number {
  const { attention, heads, hidden } = model
  if (attention.kind === 'latent') {
    const { kvRank, ropeDim, queryRank, nopeDim, valueDim } = attention
    return (2 * (queryRank + kvRank + ropeDim + heads * (2 * (nopeDim + ropeDim) + 2 * valueDim))) / hidden
  }
  return (2 * attention.headDim * (2 * heads + 2 * attention.kvHeads)) / hidden
}

/** The widths between the matrices of the feed-forward layers, mean over all layers. */
function feedForwardInside({ layers, hidden, intermediate, gated, experts }: Architecture): number {
  const tensors = gated ? 3 : 2
  if (experts === undefined) return (2 * tensors * intermediate) / hidden
  const dense = experts.denseLayers / layers
  const each = experts.active * (experts.intermediate + hidden) + experts.sharedIntermediate
  return (2 * tensors * (dense * intermediate + (1 - dense) * each)) / hidden
}

function activationBytes(setting: TrainingSetting): number {
  const { model, layout, sequence, batch } = setting
  const { data, tensor, pipeline, interleave, microbatch, recompute } = layout
  const microbatches = batch / (data * microbatch)
  const perStage = Math.ceil(model.layers / pipeline)
  // 1F1B: the first stage has as many microbatches under way as there are stages.
  const underWay =
    Math.min(microbatches, pipeline) *
    (pipeline > 1 ? 1 + (pipeline - 1) / (pipeline * interleave) - (interleave === 1 ? (pipeline - 1) / pipeline : 0) : 1)
  const kept = perStage * underWay * layerActivations(setting)
  const again = recompute === 'full' ? layerActivations({ ...setting, layout: { ...layout, recompute: 'selective' } }) : 0
  // Logits in 16 and 32 bits, on the last stage, which keeps one microbatch.
  const logits = (6 * sequence * microbatch * model.vocabulary) / tensor
  return pipeline === 1 ? kept + again + logits : Math.max(kept + again, kept / underWay + again + logits)
}
