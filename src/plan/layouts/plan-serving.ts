import { durationMs, type Duration } from '../../base/duration.ts'
import { InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { Calibration } from './calibrate/calibrate.ts'
import { type Confidence, servingConfidence } from './confidence.ts'
import { efficienciesOf, type Engine, engines } from './cost/efficiencies.ts'
import type { ReplicaLayout } from './cost/forward.ts'
import { type Gpu, gpuOf } from './hardware/gpus.ts'
import { priceOf } from './hardware/prices.ts'
import { precisions, type Precision } from './model/architecture.ts'
import { architectureOf, type ModelSource } from './model/source.ts'
import { serveArguments } from './report/launch.ts'
import { nearestServing } from './search/nearest.ts'
import { searchServing } from './search/serve.ts'
import type { ServePlan, ServeRequest } from './search/serve-request.ts'

/** What is to be served, on what, how quickly. */
export interface ServingOptions {
  /** A preset's name, a parsed Hugging Face `config.json`, or an {@link Architecture}. */
  readonly model: ModelSource
  /** A name that `gpuNames` lists, or a GPU of your own. */
  readonly gpu: string | Gpu
  /** @default 1 */
  readonly nodes?: number
  /** GPUs per node. @default 8 */
  readonly perNode?: number
  /** Tokens of a prompt, mean. From 1 up. */
  readonly input: number
  /** Tokens of an answer, mean. From 1 up. */
  readonly output: number
  /** Requests a second that arrive, all replicas together. Not with `concurrency`. */
  readonly rate?: number
  /** Requests under way, all replicas together. Without it and without `rate`, several are tried per replica. */
  readonly concurrency?: number
  /** Time to the first token, at most. */
  readonly ttft?: Duration
  /** Time per output token after the first, at most. */
  readonly tpot?: Duration
  /** @default 'vllm' */
  readonly engine?: Engine
  /** @default as the model is published; 16 bits if nothing is said */
  readonly weights?: Precision
  /** @default 8 bits when weights have 8 or fewer */
  readonly kv?: 'bf16' | 'fp8'
  /** US dollars per GPU and hour. @default a list price, see `priceOf` */
  readonly price?: number
  /** Only layouts with these values. */
  readonly only?: Partial<ReplicaLayout & { readonly replicas: number }>
  /** From {@link calibrateServing}. @default the engine's own efficiencies */
  readonly calibration?: Calibration
}

/** A plan, with what it was made from. */
export interface ServingPlan extends ServePlan {
  readonly request: ServeRequest
  readonly assumptions: readonly string[]
  readonly confidence: Confidence
  /** How to start the best layout, by engine. */
  readonly launch: Readonly<Record<Engine, string>> | undefined
  /** When no layout fits the memory or meets the limits: what would. */
  readonly nearest: readonly string[]
}

/**
 * Which layout serves a model best on these GPUs: the cheapest per token within the limits, what else is worth a look, what is out and why, and where
 * more GPUs stop helping. A few milliseconds for a node of eight; nothing runs.
 * @throws {InvalidOption} on unknown models and GPUs, on options out of range, and on more GPUs than there are
 * @example
 * ```ts
 * const { best } = planServing({ model: 'llama-3.1-70b', gpu: 'h100-sxm', input: 1000, output: 1000, rate: 20, tpot: '30ms' })
 * ```
 */
export function planServing(options: ServingOptions): ServingPlan {
  checkOptions<ServingOptions>(
    options,
    {
      model: rules.any,
      gpu: rules.any,
      nodes: rules.whole(1),
      perNode: rules.whole(1),
      input: rules.number(1, 10_000_000),
      output: rules.number(1, 10_000_000),
      rate: rules.number(0.000_001, 1_000_000),
      concurrency: rules.whole(1),
      ttft: rules.duration,
      tpot: rules.duration,
      engine: rules.oneOf(...engines),
      weights: rules.oneOf(...precisions),
      kv: rules.oneOf('bf16', 'fp8'),
      price: rules.number(0),
      only: rules.object,
      calibration: rules.object,
    },
    'planServing',
  )
  const request = servingRequest(options)
  const plan = searchServing(request)
  return {
    ...plan,
    request,
    assumptions: assumptionsOf(request, options),
    confidence: options.calibration
      ? calibrated(options.calibration)
      : servingConfidence(request.model, request.gpu, request.numbers.weights),
    launch: plan.best && serveArguments(request, plan.best),
    nearest: plan.best === undefined ? nearestServing(request) : [],
  }
}

function calibrated({ errorUnseen, rows }: Calibration): Confidence {
  return { error: errorUnseen, basis: `calibrated on ${rows} measured rows, of which each was left out once` }
}

/**
 * The request that options stand for.
 * @throws {InvalidOption}
 */
export function servingRequest(options: ServingOptions): ServeRequest {
  for (const name of ['input', 'output'] as const) {
    if (options[name] === undefined) throw new InvalidOption(`Expected \`${name}\` of planServing: the mean number of tokens`)
  }
  if (options.rate !== undefined && options.concurrency !== undefined) {
    throw new InvalidOption('Expected `rate` or `concurrency` of planServing, got both', {
      hint: 'A rate decides how many requests are under way; give the one that you know.',
    })
  }
  const model = architectureOf(options.model)
  const gpu = typeof options.gpu === 'object' ? options.gpu : gpuOf(options.gpu)
  const { nodes = 1, perNode = Math.min(8, gpu.node), engine = 'vllm', only } = options
  checkGpus(gpu, nodes, perNode, only)
  const weights = options.weights ?? model.stored
  return {
    model,
    gpu,
    nodes,
    perNode,
    engine,
    numbers: { weights, cache: options.kv ?? (weights === 'bf16' ? 'bf16' : 'fp8') },
    efficiencies: options.calibration?.efficiencies ?? efficienciesOf(engine),
    input: options.input,
    output: options.output,
    price: priceFor(gpu, options.price),
    ...(options.rate !== undefined && { rate: options.rate }),
    ...(options.concurrency !== undefined && { concurrency: options.concurrency }),
    ...(options.ttft !== undefined && { firstToken: durationMs(options.ttft, 'ttft') / 1e3 }),
    ...(options.tpot !== undefined && { perToken: durationMs(options.tpot, 'tpot') / 1e3 }),
    ...(only !== undefined && { only }),
  }
}

/** @throws {InvalidOption} when a node cannot hold that many, or the wanted layout takes more than there are */
function checkGpus(gpu: Gpu, nodes: number, perNode: number, only: ServingOptions['only'] = {}): void {
  checkNode(gpu, perNode)
  const { tensor = 1, pipeline = 1, attentionData = 1, replicas = 1 } = only
  const wanted = tensor * pipeline * attentionData * replicas
  if (wanted > nodes * perNode) {
    throw new InvalidOption(`That layout needs ${wanted} GPUs; ${nodes} × ${perNode} = ${nodes * perNode} are available`, {
      hint: `Give --nodes ${Math.ceil(wanted / perNode)}, or a smaller layout.`,
    })
  }
  if (tensor > perNode) {
    throw new InvalidOption(`Tensor parallelism of ${tensor} exceeds the node, which has ${perNode} GPUs`, {
      hint: `Use at most ${perNode}, and stages of a pipeline between nodes: --pipeline ${Math.ceil(tensor / perNode)}.`,
    })
  }
}

/** @throws {InvalidOption} */
export function checkNode(gpu: Gpu, perNode: number): void {
  if (perNode <= gpu.node) return
  throw new InvalidOption(`A node holds at most ${gpu.node} ${gpu.name}, not ${perNode}`, {
    hint: `Give --nodes ${Math.ceil(perNode / gpu.node)} --per-node ${gpu.node}.`,
  })
}

/** @throws {InvalidOption} */
export function priceFor(gpu: Gpu, price: number | undefined): number {
  const known = price ?? priceOf(gpu.name)?.rent
  if (known !== undefined) return known
  throw new InvalidOption(`No price of ${gpu.name} is known here`, { hint: 'Give `price`: US dollars per GPU and hour.' })
}

function assumptionsOf({ gpu, numbers, engine, model, rate, price }: ServeRequest, options: ServingOptions): string[] {
  const listed = priceOf(gpu.name)
  return [
    `${gpu.name}: ${(gpu.memoryBytes / 1e9).toFixed(0)} GB at ${gpu.memoryBandwidth / 1e9} GB/s, links of ${gpu.link / 1e9} GB/s (${gpu.source})`,
    `weights in ${numbers.weights}${options.weights === undefined ? ' (as the model is published)' : ''}, KV cache in ${numbers.cache}`,
    `$${price} per GPU and hour${options.price === undefined && listed !== undefined ? ` (${listed.source}, ${listed.date})` : ''}`,
    `${engine} with continuous batching, prompts in chunks of 8,192 tokens, CUDA graphs, no speculative decoding, no prefix cache`,
    ...(model.experts === undefined ? [] : ['experts are chosen evenly; skew makes the fullest GPU slower']),
    rate === undefined
      ? 'requests follow each other at once, lengths vary'
      : 'requests arrive at random, at that rate on average',
  ]
}
