/**
 * What the hardware reaches of its data sheet, and what engines add. These are all the constants of the model that are not physics:
 * calibration moves these and nothing else.
 */
import type { Gpu } from '../hardware/gpus.ts'
import type { Precision } from '../model/architecture.ts'

/** Programs that serve models, whose efficiencies are known. */
export const engines = ['vllm', 'sglang', 'trtllm'] as const
/** Programs that serve models, whose efficiencies are known. */
export type Engine = (typeof engines)[number]

/** Shares from 0 to 1, and times. */
export interface Efficiencies {
  /** Of the memory's bandwidth, when weights stream through a matrix product. */
  readonly weights: number
  /** Of the memory's bandwidth, when attention reads the KV cache. */
  readonly cache: number
  /** Of the operations that the best matrix products reach, in large ones. */
  readonly compute: number
  /** Of the peak bf16 operations, in attention over a prompt. */
  readonly attention: number
  /** Of the link's bandwidth, in large collectives. */
  readonly link: number
  /** Of the computing of a matrix product, how much hides behind reading its weights, or the other way round. */
  readonly overlap: number
  /** Of the time that a prompt takes, how much the sequences that are being decoded lose. */
  readonly interference: number
  /** Per kernel: the gap before it, its ramp up and down. Microseconds. */
  readonly kernelUs: number
  /** The same in a step with a prompt, which engines launch kernel by kernel, without a CUDA graph. Microseconds. */
  readonly launchUs: number
  /** Per step: scheduler, sampling, input and output. Microseconds. */
  readonly stepUs: number
  /** Per sequence and step. Microseconds. */
  readonly sequenceUs: number
  /** Per small all-reduce and doubling of its GPUs, over NVLink. Microseconds. */
  readonly reduceUs: number
}

export const efficiencyNames = [
  'weights',
  'cache',
  'compute',
  'attention',
  'link',
  'overlap',
  'interference',
  'kernelUs',
  'launchUs',
  'stepUs',
  'sequenceUs',
  'reduceUs',
] as const satisfies readonly (keyof Efficiencies)[]

/**
 * Fitted to 127 measured rows of Llama 3.1 70B (fp8) on H200 with vLLM and TensorRT-LLM, one to eight GPUs, 4 to 128 requests at once, published by the
 * InferenceMAX project in 2025-10. `attention` is FlashAttention 3's published range; `interference` follows from those runs: each slot takes
 * ten requests, and the prompts of the first meet nobody. SGLang is the mean of the two, for lack of rows.
 */
const hardware = { weights: 0.87, cache: 0.62, compute: 0.82, attention: 0.5, link: 0.63, interference: 0.9 }

const byEngine: Readonly<Record<Engine, Efficiencies>> = {
  trtllm: { ...hardware, overlap: 1, kernelUs: 2.5, launchUs: 12, stepUs: 500, sequenceUs: 6, reduceUs: 2.8 },
  vllm: { ...hardware, overlap: 0.14, kernelUs: 5, launchUs: 10, stepUs: 500, sequenceUs: 31, reduceUs: 1.8 },
  sglang: { ...hardware, overlap: 0.57, kernelUs: 3.7, launchUs: 11, stepUs: 500, sequenceUs: 18, reduceUs: 2.3 },
}

/** How an engine behaves where it has a choice. */
export interface EngineHabits {
  /** Bytes up to which an all-reduce is one exchange in which every GPU reads the whole message of every other. */
  readonly oneShotBytes: number
  /** The KV cache is reserved for the whole answer when a request begins; others take blocks as it grows. */
  readonly reservesAnswers: boolean
}

/**
 * vLLM and SGLang: `custom_all_reduce.cuh` (one shot up to 256 KiB among eight). TensorRT-LLM: measured on H200, where all-reduces of 2 MB among eight
 * still take the time of one shot; its default scheduler is GUARANTEED_NO_EVICT.
 */
export const habits: Readonly<Record<Engine, EngineHabits>> = {
  vllm: { oneShotBytes: 2 ** 18, reservesAnswers: false },
  sglang: { oneShotBytes: 2 ** 18, reservesAnswers: false },
  trtllm: { oneShotBytes: 2 ** 22, reservesAnswers: true },
}

/** The efficiencies of an `engine`, fitted to published measurements. Never throws. */
export function efficienciesOf(engine: Engine): Efficiencies {
  return byEngine[engine]
}

/** Operations a second that the data sheet names for that type; what a GPU cannot compute in it, it computes as bf16. */
export function peak(gpu: Gpu, precision: Precision): number {
  return (precision === 'fp4' ? gpu.fp4 : precision === 'fp8' ? gpu.fp8 : undefined) ?? gpu.bf16
}

/** The same as the best matrix products reach it. */
export function sustained(gpu: Gpu, precision: Precision): number {
  const rate = peak(gpu, precision)
  return rate * gpu.sustained[rate === gpu.bf16 ? 0 : 1]
}
