/**
 * The time of one forward pass through one pipeline stage's share of a model: some tokens of prompts, and one token of each sequence that is
 * being decoded, together in one batch as engines with continuous batching run them.
 *
 * Each matrix product takes the longer of computing and reading its weights (Williams et al., Roofline, CACM 2009). Collectives take
 * `latency + bytes / bandwidth` (Thakur et al., 2005). Where it says "per layer", the mean over all layers is meant.
 */
import {
  type Architecture,
  attentionWidth,
  bytesPerWeight,
  cachedLayers,
  cachedValues,
  layersWithExperts,
  parameters,
  type Precision,
} from '../model/architecture.ts'
import type { Gpu } from '../hardware/gpus.ts'
import { type Efficiencies, type Engine, habits, sustained } from './efficiencies.ts'
import type { Terms } from './terms.ts'

/** How one replica is spread over GPUs. */
export interface ReplicaLayout {
  /** GPUs that share each matrix. */
  readonly tensor: number
  /** Stages of layers. */
  readonly pipeline: number
  /** Ways in which experts are dealt out; 1: every GPU has a slice of each. */
  readonly expert: number
  /** Copies of the attention with sequences of their own, around shared experts. */
  readonly attentionData: number
}

/** How numbers are stored and computed with. */
export interface Numbers {
  readonly weights: Precision
  readonly cache: 'bf16' | 'fp8'
}

export interface Batch {
  /** Tokens of prompts, and how many tokens before them they look at on average. */
  readonly prompt: number
  readonly promptContext: number
  /** Sequences that get one token each, and their mean length. */
  readonly sequences: number
  readonly context: number
}

/** A model on GPUs, cut into a layout: what a prediction is of. */
export interface Setting {
  readonly model: Architecture
  readonly gpu: Gpu
  readonly layout: ReplicaLayout
  readonly numbers: Numbers
  readonly engine: Engine
  readonly efficiencies: Efficiencies
}

/** Weights of experts stay 4 bit where the rest of a model does not: published 4-bit mixtures leave attention alone. */
export function storedBytes(model: Architecture, weights: Precision): { readonly attention: number; readonly other: number } {
  const other = bytesPerWeight[weights]
  return { attention: model.experts !== undefined && other < 1 ? 2 : other, other }
}

/** One pass through the whole model, all stages one after the other; the pipeline's hops are counted, its bubble is not. */
export function forwardTerms(setting: Setting, batch: Batch): Terms {
  const { model, gpu, layout, numbers, efficiencies } = setting
  const { tensor, attentionData } = layout
  const copies = attentionData
  // Each copy of the attention has its share of the tokens.
  const tokens = (batch.prompt + batch.sequences) / copies
  const bytes = storedBytes(model, numbers.weights)
  const products: [number, number] = [0, 0]
  const product = (operations: number, weightBytes: number, rate: number): void => {
    const computing = operations / (rate * efficiencies.compute)
    const reading = weightBytes / (gpu.memoryBandwidth * efficiencies.weights)
    products[computing > reading ? 0 : 1] += Math.max(computing, reading)
    products[computing > reading ? 1 : 0] += Math.min(computing, reading) * (1 - efficiencies.overlap)
  }
  const counts = parameters(model)
  const rate = sustained(gpu, numbers.weights)
  product(
    (2 * counts.attention * tokens) / tensor,
    (counts.attention * bytes.attention) / tensor,
    bytes.attention === 2 ? sustained(gpu, 'bf16') : rate,
  )
  product((2 * counts.dense * tokens) / tensor, (counts.dense * bytes.other) / tensor, rate)
  expertProducts(setting, batch, counts.expert, product)
  // The output layer stays in 16 bits, and only sampled tokens go through it.
  const sampled = batch.sequences / copies + (batch.prompt > 0 ? 1 : 0)
  const table = model.vocabulary * model.hidden
  product((2 * table * sampled) / tensor, (2 * table) / tensor, sustained(gpu, 'bf16'))
  return {
    computing: products[0] + promptAttention(setting, batch),
    weights: products[1],
    cache: cacheReads(setting, batch),
    allReduce: allReduces(setting, tokens),
    allToAll: allToAlls(setting, tokens),
    pipeline: layout.pipeline > 1 ? (layout.pipeline - 1) * hop(setting, tokens) : 0,
    overhead:
      (kernels(model, numbers.weights) *
        (batch.prompt > 0 ? Math.max(efficiencies.launchUs, efficiencies.kernelUs) : efficiencies.kernelUs) +
        efficiencies.stepUs +
        efficiencies.sequenceUs * batch.sequences) *
      1e-6,
  }
}

/**
 * Kernels of one pass. A dense layer has about ten: two norms, four matrix products, rotation and cache update, attention, activation. Experts add the
 * router, its top k, two permutations, and the products of the shared expert; latent attention the compressions and the two absorbed products; weights
 * in 4 bits a kernel per product that brings activations into that form.
 */
export function kernels(model: Architecture, weights: Precision): number {
  const products = weights === 'fp4' && model.experts === undefined ? 4 : 0
  const latent = model.attention.kind === 'latent' ? 5 : 0
  return (10 + latent + products) * model.layers + 8 * layersWithExperts(model)
}

/** Experts that see at least one of `tokens` tokens, if routing is even. */
export function expertsTouched(count: number, active: number, tokens: number): number {
  return count * (1 - (1 - active / count) ** tokens)
}

function expertProducts(
  { model, gpu, layout, numbers }: Setting,
  batch: Batch,
  expert: number,
  product: (operations: number, weightBytes: number, rate: number) => void,
): void {
  if (model.experts === undefined) return
  const { count, active } = model.experts
  const layers = layersWithExperts(model)
  const gpus = layout.tensor * layout.attentionData
  const tokens = batch.prompt + batch.sequences
  const touched = expertsTouched(count, active, tokens)
  product(
    (2 * layers * active * expert * tokens) / gpus,
    (layers * touched * expert * bytesPerWeight[numbers.weights]) / gpus,
    sustained(gpu, numbers.weights),
  )
}

function promptAttention({ model, gpu, layout, efficiencies }: Setting, { prompt, promptContext }: Batch): number {
  if (prompt === 0) return 0
  const { full, windowed, window } = cachedLayers(model)
  const seen = full * promptContext + windowed * Math.min(promptContext, window)
  const operations = 2 * attentionWidth(model) * prompt * seen
  return operations / (layout.tensor * layout.attentionData) / (gpu.bf16 * efficiencies.attention)
}

function cacheReads({ model, gpu, layout, numbers, efficiencies }: Setting, { sequences, context }: Batch): number {
  const { full, windowed, window } = cachedLayers(model)
  const sparse = model.attention.kind === 'latent' ? (model.attention.sparse ?? Infinity) : Infinity
  const values = full * Math.min(context, sparse) + windowed * Math.min(context, window)
  const width = numbers.cache === 'fp8' ? 1 : 2
  const state = ((model.linear?.layers ?? 0) * (model.linear?.stateBytes ?? 0) * 2) / layout.tensor
  const bytes = (sequences / layout.attentionData) * (values * cachedValues(model, layout.tensor) * width + state)
  return bytes / (gpu.memoryBandwidth * efficiencies.cache)
}

/** Two after every layer: the attention's and the feed-forward's. */
function allReduces(setting: Setting, tokens: number): number {
  const { model, layout } = setting
  // With copies of the attention, what experts give comes back by an all-to-all.
  const perLayer = layout.attentionData > 1 && layout.expert > 1 ? 1 : 2
  return model.layers * perLayer * allReduce(setting, layout.tensor, tokens * model.hidden * 2)
}

/** One all-reduce of `bytes` per GPU among `gpus` of them, in seconds. */
export function allReduce({ gpu, engine, efficiencies }: Setting, gpus: number, bytes: number): number {
  if (gpus === 1) return 0
  const { bandwidth, latency } = wire(gpu, efficiencies, gpus)
  const oneShot = gpus <= gpu.node && gpu.nvlink && bytes <= habits[engine].oneShotBytes
  const moved = oneShot ? (gpus - 1) * bytes : (2 * (gpus - 1) * bytes) / gpus
  return latency * Math.log2(gpus) + moved / bandwidth
}

/** Bytes a second and the latency of one step between that many GPUs. */
function wire(
  gpu: Gpu,
  { link, reduceUs }: Efficiencies,
  gpus: number,
): { readonly bandwidth: number; readonly latency: number } {
  const inside = gpus <= gpu.node
  const bandwidth = (inside ? gpu.link : gpu.network) * link
  // Without NVLink, or across nodes, messages go through the host's network or bus.
  return { bandwidth, latency: (inside && gpu.nvlink ? reduceUs : 8 * reduceUs) * 1e-6 }
}

function allToAlls(setting: Setting, tokens: number): number {
  const { model, layout, gpu, efficiencies } = setting
  if (model.experts === undefined || layout.expert === 1 || layout.attentionData === 1) return 0
  const { bandwidth, latency } = wire(gpu, efficiencies, layout.expert)
  // Tokens travel once per GPU that has one of their experts, there in 8 bits and back in 16.
  const targets = expertsTouched(layout.expert, 1, model.experts.active)
  const bytes = (tokens / layout.tensor) * targets * model.hidden * 1.5
  return layersWithExperts(model) * 2 * (2 * latency + (bytes * (layout.expert - 1)) / layout.expert / bandwidth)
}

function hop({ model, gpu, layout, efficiencies }: Setting, tokens: number): number {
  const { bandwidth, latency } = wire(gpu, efficiencies, layout.tensor * layout.pipeline)
  return 2 * latency + (tokens * model.hidden * 2) / layout.tensor / bandwidth
}
