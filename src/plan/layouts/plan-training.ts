import { InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { type Confidence, trainingConfidence } from './confidence.ts'
import { type TrainingEfficiencies, trainingEfficiencies, type TrainingLayout } from './cost/training-setting.ts'
import { type Gpu, gpuOf } from './hardware/gpus.ts'
import { architectureOf, type ModelSource } from './model/source.ts'
import { checkNode, priceFor } from './plan-serving.ts'
import { megatronArguments } from './report/launch.ts'
import { nearestTraining } from './search/nearest.ts'
import { searchTraining } from './search/train.ts'
import type { TrainPlan, TrainRequest } from './search/train-request.ts'

/** What is to be trained, on what. */
export interface TrainingOptions {
  /** A preset's name, a parsed Hugging Face `config.json`, or an architecture. */
  readonly model: ModelSource
  /** Its name, or its figures. */
  readonly gpu: string | Gpu
  /** @default 1 */
  readonly nodes?: number
  /** GPUs per node. @default 8 */
  readonly perNode?: number
  /** Tokens of a sequence. @default 4096 */
  readonly sequence?: number
  /** Sequences of a step, all GPUs together. */
  readonly batch: number
  /** Tokens of the whole run, for its length and its cost. */
  readonly tokens?: number
  /** Type of matrix products. @default 'bf16' */
  readonly precision?: 'bf16' | 'fp8'
  /** US dollars per GPU and hour. @default a list price */
  readonly price?: number
  /** Only layouts with these values. */
  readonly only?: Partial<TrainingLayout>
  /** @default fitted to published measurements */
  readonly efficiencies?: TrainingEfficiencies
}

/** Layouts for training, the best first. */
export interface TrainingPlan extends TrainPlan {
  readonly request: TrainRequest
  readonly assumptions: readonly string[]
  readonly confidence: Confidence
  /** Arguments of Megatron-LM for the best layout. */
  readonly launch: string | undefined
  readonly nearest: readonly string[]
}

/**
 * Which layout trains a model fastest on these GPUs, what else is worth a look, what is out and why, and where more GPUs stop helping.
 * @throws {InvalidOption} on unknown models and GPUs, and on options out of range
 * @example
 * ```ts
 * const { best } = planTraining({ model: 'llama-3.1-8b', gpu: 'h100-sxm', nodes: 4, sequence: 8192, batch: 256 })
 * ```
 */
export function planTraining(options: TrainingOptions): TrainingPlan {
  checkOptions<TrainingOptions>(
    options,
    {
      model: rules.any,
      gpu: rules.any,
      nodes: rules.whole(1),
      perNode: rules.whole(1),
      sequence: rules.whole(1),
      batch: rules.whole(1),
      tokens: rules.number(1),
      precision: rules.oneOf('bf16', 'fp8'),
      price: rules.number(0),
      only: rules.object,
      efficiencies: rules.object,
    },
    'planTraining',
  )
  const request = requestOf(options)
  const plan = searchTraining(request)
  const none = plan.candidates.length === 0
  return {
    ...plan,
    request,
    assumptions: [
      `${request.precision} matrix products, Adam, weights in 16 and 32 bits, FlashAttention`,
      'collectives run while the GPU computes, as far as they can',
      `$${request.price} per GPU and hour`,
      ...(request.model.experts === undefined ? [] : ['experts are chosen evenly']),
    ],
    confidence: trainingConfidence(request.model, request.gpu),
    launch: plan.best && megatronArguments(request, plan.best.layout),
    nearest: none ? nearestTraining(request) : [],
  }
}

function requestOf(options: TrainingOptions): TrainRequest {
  if (options.batch === undefined)
    throw new InvalidOption('Expected `batch` of planTraining: the sequences of a step, all GPUs together')
  const model = architectureOf(options.model)
  const gpu = typeof options.gpu === 'object' ? options.gpu : gpuOf(options.gpu)
  const { nodes = 1, perNode = Math.min(8, gpu.node), sequence = 4096, batch, tokens, precision = 'bf16', only } = options
  checkNode(gpu, perNode)
  return {
    model,
    gpu,
    nodes,
    perNode,
    precision,
    sequence,
    batch,
    efficiencies: options.efficiencies ?? trainingEfficiencies,
    price: priceFor(gpu, options.price),
    ...(tokens !== undefined && { tokens }),
    ...(only !== undefined && { only }),
  }
}
