/** What a GPU's memory holds while serving. */
import { cachedLayers, cachedValues, parameters } from '../model/architecture.ts'
import { type Setting, storedBytes } from './forward.ts'

/** Engines fill at most this share of the memory (vLLM's `--gpu-memory-utilization`). */
const utilization = 0.9
const gib = 2 ** 30
/** CUDA context and graphs within that share, and what must stay free of the whole memory. */
const [contextBytes, freeBytes] = [0.6 * gib, 3.5 * gib]
/** Buffers of the collectives, as NCCL takes them among two and among more. */
const collectiveBytes = (gpus: number): number => (gpus === 1 ? 0 : gpus === 2 ? 0.34 * gib : 0.39 * gib)
/** Tokens of prompts that an engine computes in one step. */
export const chunkTokens = 8192

/** All per GPU, in bytes. */
export interface ServingMemory {
  readonly weights: number
  readonly activations: number
  readonly reserve: number
  /** What is left for the KV cache; negative: the rest does not fit. */
  readonly cache: number
  /** Of the KV cache, per token of a sequence. */
  readonly perToken: number
  /** Of layers whose state does not grow with the sequence. */
  readonly perSequence: number
}

export function servingMemory(setting: Setting): ServingMemory {
  const { model, gpu, layout, numbers } = setting
  const { tensor, pipeline, attentionData } = layout
  const counts = parameters(model)
  const bytes = storedBytes(model, numbers.weights)
  const layers = counts.attention * bytes.attention + counts.dense * bytes.other
  // The stage that holds most: with an end of the model in it, embedding or output layer.
  const stage = Math.ceil(model.layers / pipeline) / model.layers
  const ends = pipeline === 1 ? counts.embedding + counts.head : Math.max(counts.embedding, counts.head)
  const weights = (stage * (layers + (counts.experts * bytes.other) / attentionData) + 2 * ends) / tensor
  const widest = Math.max(model.intermediate, model.experts?.sharedIntermediate ?? 0)
  const activations = chunkTokens * 2 * (2 * model.hidden + (2 * widest) / tensor)
  const collectives = collectiveBytes(tensor * pipeline * attentionData)
  const reserve = collectives + Math.max(gpu.memoryBytes * (1 - utilization) + contextBytes, freeBytes)
  const { full, windowed, window } = cachedLayers(model)
  const perLayer = (cachedValues(model, tensor) * (numbers.cache === 'fp8' ? 1 : 2)) / pipeline
  const state = ((model.linear?.layers ?? 0) * (model.linear?.stateBytes ?? 0)) / tensor / pipeline
  return {
    weights,
    activations,
    reserve,
    cache: gpu.memoryBytes - reserve - weights - activations,
    perToken: full * perLayer,
    perSequence: windowed * window * perLayer + state,
  }
}

/** Sequences of `tokens` each that the KV cache of one replica holds, all copies of the attention together. */
export function cachedSequences(setting: Setting, tokens: number): number {
  const { cache, perToken, perSequence } = servingMemory(setting)
  return Math.max(0, Math.floor(cache / (perToken * tokens + perSequence))) * setting.layout.attentionData
}
