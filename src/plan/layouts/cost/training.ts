/**
 * The time of one training step: microbatches through the stages of a pipeline, gradients reduced, weights updated.
 *
 * Per microbatch and stage: matrix products by their operations, attention, and the traffic of everything between them, which is what small models
 * lose most time with. Backward is twice forward; recomputation is one more forward, or its attention's scores only. 1F1B and its interleaved form
 * (Narayanan et al., SC 2021) stretch the step by `(stages - 1) / (interleave × microbatches)`.
 */
import { type Architecture, attentionWidth, cachedLayers, layersWithExperts, parameters } from '../model/architecture.ts'
import { peak, sustained } from './efficiencies.ts'
import { combine, noTerms, type Terms, totalOf } from './terms.ts'
import { layerActivations } from './training-memory.ts'
import type { TrainingSetting } from './training-setting.ts'

/** The time of one step of training, and what it is made of. */
export interface TrainingStep {
  readonly terms: Terms
  readonly seconds: number
  /** Of one microbatch through the longest stage. */
  readonly forwardSeconds: number
  readonly backwardSeconds: number
  readonly microbatches: number
  readonly tokensPerSecondPerGpu: number
  /** Operations of the model itself, without recomputation, per GPU and second. */
  readonly modelFlops: number
  /** The same as a share of the peak (model FLOPs utilization). */
  readonly utilization: number
}

/** Predicts one step of training of a `setting`. Never throws. */
export function trainingStep(setting: TrainingSetting): TrainingStep {
  const { model, gpu, layout, batch, sequence, precision } = setting
  const { data, tensor, pipeline, interleave, microbatch } = layout
  const microbatches = batch / (data * microbatch)
  const forward = passTerms(setting, 'forward')
  const backward = passTerms(setting, 'backward')
  const stage = combine([forward, 1], [backward, 1])
  const busy = combine([stage, microbatches])
  const bubble = ((pipeline - 1) / interleave) * totalOf(stage)
  const hops = pipeline > 1 ? 2 * interleave * (microbatches + pipeline - 1) * hop(setting) : 0
  const visible = uncovered(
    exchangeSeconds(setting) * (layout.zero >= 3 ? microbatches : 1),
    totalOf(stage) * (layout.zero >= 3 ? microbatches : 1),
    setting,
  )
  const terms = combine(
    [busy, 1],
    [{ ...noTerms, pipeline: bubble + hops, allReduce: visible, weights: updateSeconds(setting) }, 1],
  )
  const seconds = totalOf(terms)
  const gpus = data * tensor * pipeline
  const operations = modelOperations(model, sequence) * batch
  return {
    terms,
    seconds,
    forwardSeconds: totalOf(forward),
    backwardSeconds: totalOf(backward),
    microbatches,
    tokensPerSecondPerGpu: (batch * sequence) / seconds / gpus,
    modelFlops: operations / seconds / gpus,
    utilization: operations / seconds / gpus / peak(gpu, precision),
  }
}

/** What of an exchange does not hide behind computing. ZeRO's third stage gathers weights ahead of time wherever it runs. */
function uncovered(exchange: number, computing: number, { layout, efficiencies }: TrainingSetting): number {
  if (layout.noOverlap === true && layout.zero < 3) return exchange
  return Math.max(exchange * (1 - efficiencies.hidden), exchange - computing * efficiencies.hidden)
}

/** Operations of one sequence, forward and backward; attention looks at half of the sequence on average. */
export function modelOperations(model: Architecture, sequence: number): number {
  return 3 * sequence * (2 * parameters(model).active + 2 * attentionWidth(model) * seen(model, sequence))
}

/** Tokens that a token looks at, summed over layers. */
function seen(model: Architecture, sequence: number): number {
  const { full, windowed, window } = cachedLayers(model)
  return full * (sequence / 2) + windowed * Math.min(window, sequence / 2)
}

/** One microbatch through the longest stage. */
function passTerms(setting: TrainingSetting, pass: 'forward' | 'backward'): Terms {
  const { model, gpu, layout, sequence, precision, efficiencies } = setting
  const { tensor, pipeline, microbatch, recompute, eagerAttention } = layout
  const tokens = sequence * microbatch
  const counts = parameters(model)
  const layers = Math.ceil(model.layers / pipeline)
  const share = layers / model.layers
  const table = model.vocabulary * model.hidden
  // Middle stages and the last one work at the same time; the longest decides, and with many layers per stage the output layer is what makes it the longest.
  const body = counts.active - table
  const products =
    (2 * tokens * (body * share + table / (pipeline > 1 ? Math.min(pipeline, 2) : 1))) /
    tensor /
    (sustained(gpu, precision) * gpu.longRun * efficiencies.compute)
  // Without FlashAttention all pairs are computed, and the scores pass through memory.
  const pairs = seen(model, sequence) * share * (eagerAttention === true ? 2 : 1)
  const scores =
    (2 * attentionWidth(model) * tokens * pairs) /
    tensor /
    (sustained(gpu, 'bf16') * gpu.longRun * (eagerAttention === true ? efficiencies.compute : efficiencies.attention))
  const kept = layerActivations({ ...setting, layout: { ...layout, recompute: 'none' } }) * layers
  const traffic = (2 * kept) / (gpu.memoryBandwidth * efficiencies.memory)
  const eagerShare = eagerAttention === true ? (5 * model.heads * sequence * sequence * microbatch * layers) / tensor : 0
  const scoreTraffic = (2 * eagerShare) / (gpu.memoryBandwidth * efficiencies.memory)
  const reduces = tensorSeconds(setting, layers)
  const exchange = expertSeconds(setting, layers)
  const times = pass === 'forward' ? 1 : recompute === 'full' ? 3 : 2
  // FlashAttention's backward pass computes the scores again.
  const attentionTimes = eagerAttention === true || pass === 'forward' ? times : times + 0.5
  // Softmax over the vocabulary, in 16 and 32 bits, there and back.
  const logits = (3 * 6 * tokens * model.vocabulary) / tensor / pipeline / (gpu.memoryBandwidth * efficiencies.memory)
  const again = pass === 'backward' && recompute === 'selective' && eagerAttention === true ? scores + scoreTraffic : 0
  const sends = pass === 'forward' ? 1 : recompute === 'full' ? 2 : 1
  return {
    ...noTerms,
    computing: products * times + scores * attentionTimes + again,
    overhead: traffic * times + (pass === 'backward' ? logits : 0),
    allReduce: reduces * sends,
    allToAll: exchange * sends,
  }
}

/** Two all-reduces per layer of each pass; with sequence parallelism the same bytes as gathers and scatters. */
function tensorSeconds({ model, gpu, layout, sequence, perNode, efficiencies }: TrainingSetting, layers: number): number {
  const { tensor, microbatch } = layout
  if (tensor === 1) return 0
  const bytes = 2 * sequence * microbatch * model.hidden
  const bandwidth = tensor <= perNode ? gpu.link * efficiencies.link : gpu.network * efficiencies.network
  const visible = layout.sequenceParallel && layout.noOverlap !== true ? 1 - efficiencies.hidden : 1
  return layers * 2 * (20e-6 + (visible * (2 * (tensor - 1) * bytes)) / tensor / bandwidth)
}

function expertSeconds({ model, gpu, layout, sequence, perNode, efficiencies }: TrainingSetting, layers: number): number {
  const { expert, tensor, microbatch } = layout
  if (model.experts === undefined || expert === 1) return 0
  const tokens = (sequence * microbatch) / tensor
  const bandwidth = expert * tensor <= perNode ? gpu.link * efficiencies.link : gpu.network * efficiencies.network
  const moe = (layers * layersWithExperts(model)) / model.layers
  const bytes = 2 * tokens * Math.min(model.experts.active, expert) * model.hidden
  return moe * 2 * (40e-6 + (bytes * (expert - 1)) / expert / bandwidth)
}

/** One message from stage to stage. */
function hop({ model, gpu, layout, sequence, perNode, efficiencies }: TrainingSetting): number {
  const { tensor, pipeline, microbatch } = layout
  const inside = tensor * pipeline <= perNode
  const bandwidth = inside ? gpu.link * efficiencies.link : gpu.network * efficiencies.network
  return 10e-6 + (2 * sequence * microbatch * model.hidden) / tensor / bandwidth
}

/** Gradients, and with ZeRO weights, among the data-parallel copies, once per step. */
function exchangeSeconds({ model, gpu, layout, perNode, efficiencies }: TrainingSetting): number {
  const { data, tensor, pipeline, zero, expert } = layout
  if (data === 1) return 0
  const counts = parameters(model)
  const held = (counts.attention + counts.dense + counts.experts / expert + counts.embedding + counts.head) / (tensor * pipeline)
  // All-reduced in 16 bits; or scattered in 32 and weights gathered; or scattered in 16 with weights gathered for forward and for backward.
  const bytes = zero >= 3 ? 3 * 2 * held : zero >= 1 ? 4 * held + 2 * held : 2 * 2 * held
  const inside = data * tensor * pipeline <= perNode
  // Members in one node share its network cards between them; older libraries used one card each.
  const members = layout.noOverlap === true ? 1 : Math.max(1, Math.floor(Math.min(data, perNode / tensor)))
  const across = Math.min(gpu.network * members * efficiencies.network, gpu.link * efficiencies.link)
  return (bytes * (data - 1)) / data / (inside ? gpu.link * efficiencies.link : across)
}

/** The optimizer reads and writes its state. */
function updateSeconds({ model, gpu, layout, efficiencies }: TrainingSetting): number {
  const { data, tensor, pipeline, zero } = layout
  const held = parameters(model).total / (tensor * pipeline * (zero >= 1 ? data : 1))
  return (28 * held) / (gpu.memoryBandwidth * efficiencies.memory)
}
