/**
 * Tries every layout for serving, and keeps what fits the memory, the latency limits and the load: the cheapest, those that trade time for money, and
 * why the others are out. Pure; a few milliseconds for a node, because a layout costs microseconds.
 */
import type { ReplicaLayout, Setting } from '../cost/forward.ts'
import { cachedSequences, servingMemory } from '../cost/memory.ts'
import { type Steady, steadyState } from '../cost/serving.ts'
import { decisive } from '../cost/terms.ts'
import { gpusOf, indivisible, replicaLayouts } from './divide.ts'
import { paretoFront } from './pareto.ts'
import { scalingOf } from './scaling.ts'
import type { Rejected, ServeCandidate, ServePlan, ServeRequest } from './serve-request.ts'
import { settingOf } from './setting.ts'

/** From this share of the capacity on, waiting times are not given as a number. */
const nearSaturation = 0.85
/** Requests under way in one replica that are tried when nothing is asked. */
const tried = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]

export function searchServing(request: ServeRequest): ServePlan {
  const total = request.nodes * request.perNode
  const candidates: ServeCandidate[] = []
  const rejected: Rejected[] = []
  for (const layout of replicaLayouts(request.model, total, request.perNode)) {
    if (!matches(layout, request)) continue
    const outcome = outcomeOf(layout, request, total)
    if ('reason' in outcome) rejected.push(outcome)
    else candidates.push(...outcome.candidates)
  }
  const byCost = candidates.toSorted((a, b) => a.dollarsPerMillion - b.dollarsPerMillion || a.tokenSeconds - b.tokenSeconds)
  const best = byCost[0]
  return {
    best,
    pareto: paretoFront(
      byCost,
      ({ tokenSeconds }) => tokenSeconds,
      ({ dollarsPerMillion }) => dollarsPerMillion,
    ),
    candidates: byCost,
    rejected,
    scaling: scalingOf(request, best?.concurrency ?? 1),
  }
}

function matches(layout: ReplicaLayout, { only = {} }: ServeRequest): boolean {
  return (['tensor', 'pipeline', 'expert', 'attentionData'] as const).every(
    (key) => only[key] === undefined || only[key] === layout[key],
  )
}

function outcomeOf(
  layout: ReplicaLayout,
  request: ServeRequest,
  total: number,
): Rejected | { readonly candidates: ServeCandidate[] } {
  const out = (reason: Rejected['reason'], why: string): Rejected => ({ layout, reason, why })
  const undivided = indivisible(request.model, layout)
  if (undivided !== undefined) return out('divisibility', undivided)
  const setting = settingOf(request, layout)
  const misfit = misfitOf(setting, request)
  if (misfit !== undefined) return out('memory', misfit)
  const most = Math.floor(total / gpusOf(layout))
  const counts =
    request.only?.replicas === undefined ? replicaCounts(most, request) : [request.only.replicas].filter((n) => n <= most)
  if (counts.length === 0)
    return out('capacity', `${request.only?.replicas ?? 1} replicas of ${gpusOf(layout)} GPUs are more than ${total} GPUs`)
  const candidates: ServeCandidate[] = []
  let why = ''
  for (const replicas of counts) {
    const found = atLoad(setting, replicas, request)
    if (typeof found === 'string') why = found
    else candidates.push(...found)
  }
  return candidates.length > 0 ? { candidates } : out(why.startsWith('serves') ? 'capacity' : 'latency', why)
}

/** Why not even one request fits; nothing when it does. */
function misfitOf(setting: Setting, { input, output }: ServeRequest): string | undefined {
  if (cachedSequences(setting, input + output) >= 1) return undefined
  const { weights, activations, reserve, perToken, perSequence } = servingMemory(setting)
  const needed = weights + activations + reserve + perToken * (input + output) + perSequence
  return `needs ${gigabytes(needed)} per GPU (${gigabytes(weights)} of it weights), which has ${gigabytes(setting.gpu.memoryBytes)}`
}

/** With a rate, fewer replicas are cheaper as long as they keep up; else all GPUs are used. Above eight, steps of a fifth are fine enough. */
function replicaCounts(most: number, { rate }: ServeRequest): number[] {
  if (rate === undefined) return [most]
  const counts: number[] = []
  for (let count = 1; count < most; count = Math.max(count + 1, count > 8 ? Math.round(count * 1.2) : 0)) counts.push(count)
  return [...counts, most]
}

function atLoad(setting: Setting, replicas: number, request: ServeRequest): ServeCandidate[] | string {
  const { rate, concurrency } = request
  if (rate !== undefined) {
    const each = concurrencyFor(setting, rate / replicas, request)
    if (typeof each === 'string') return each
    const candidate = candidateOf(setting, replicas, each, request)
    const late = lateness(candidate, request)
    return late === undefined ? [candidate] : late
  }
  const choices = concurrency === undefined ? tried : [Math.max(1, Math.ceil(concurrency / replicas))]
  const found: ServeCandidate[] = []
  let why = ''
  for (const each of choices) {
    const candidate = candidateOf(setting, replicas, each, request)
    // What waits outside of the cache gains nothing.
    if (concurrency === undefined && candidate.resident < each) break
    const late = lateness(candidate, request)
    if (late === undefined) found.push(candidate)
    else {
      why ||= late
      if (candidate.tokenSeconds > (request.perToken ?? Infinity)) break
    }
  }
  return found.length > 0 ? found : why === '' ? 'serves fewer requests at once than asked' : why
}

function steady(setting: Setting, concurrency: number, { input, output }: ServeRequest): Steady {
  return steadyState(setting, { input, output, concurrency })
}

/** The fewest requests under way at which a replica serves that rate (Little's law), or why none do. */
function concurrencyFor(setting: Setting, rate: number, request: ServeRequest): number | string {
  const served = (concurrency: number): number => steady(setting, concurrency, request).tokensPerSecond / request.output
  const most = Math.max(1, steady(setting, 4096, request).resident)
  if (served(most) < rate)
    return `serves at most ${served(most).toPrecision(3)} requests a second per replica of the ${rate.toPrecision(3)} that arrive`
  let [low, high] = [1, most]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (served(middle) >= rate) high = middle
    else low = middle + 1
  }
  return low
}

function candidateOf(setting: Setting, replicas: number, concurrency: number, request: ServeRequest): ServeCandidate {
  const { output, price, rate } = request
  const state = steady(setting, concurrency, request)
  const gpus = replicas * gpusOf(setting.layout)
  const capacity = steady(setting, 4096, request).tokensPerSecond * replicas
  const tokensPerSecond = rate === undefined ? state.tokensPerSecond * replicas : rate * output
  const load = tokensPerSecond / capacity
  const arrivals = tokensPerSecond / output / replicas
  const { weights, cache, reserve, activations } = servingMemory(setting)
  return {
    layout: setting.layout,
    replicas,
    gpus,
    concurrency,
    resident: state.resident,
    tokenSeconds: state.tokenSeconds,
    perToken: state.perToken,
    promptSeconds: state.promptSeconds,
    prompt: state.prompt,
    ...firstToken(state, arrivals, load, rate !== undefined),
    tokensPerSecond,
    load,
    dollarsPerMillion: (gpus * price * 1e6) / 3600 / tokensPerSecond,
    decides: { decode: decisive(state.perToken), prefill: decisive(state.prompt) },
    memory: { weights, cache, total: weights + cache + reserve + activations },
  }
}

/** The prompt's own steps, shared with what is being decoded, after a wait for the prompts before it (M/D/1). */
function firstToken(
  state: Steady,
  arrivals: number,
  load: number,
  open: boolean,
): Pick<ServeCandidate, 'firstTokenSeconds' | 'firstTokenRefused'> {
  if (state.saturated) {
    return {
      firstTokenSeconds: undefined,
      firstTokenRefused: `the KV cache holds ${state.resident} requests; the others wait for a place`,
    }
  }
  if (open && load > nearSaturation) {
    return {
      firstTokenSeconds: undefined,
      firstTokenRefused: `${Math.round(load * 100)} % of the capacity is in use; the wait depends on how requests arrive`,
    }
  }
  const busy = Math.min(0.95, arrivals * state.promptSeconds)
  return { firstTokenSeconds: state.firstTokenSeconds + (state.promptSeconds * busy) / (2 * (1 - busy)) }
}

function lateness(
  { tokenSeconds, firstTokenSeconds, firstTokenRefused }: ServeCandidate,
  { perToken, firstToken: limit }: ServeRequest,
): string | undefined {
  if (perToken !== undefined && tokenSeconds > perToken)
    return `takes ${milliseconds(tokenSeconds)} per token, over ${milliseconds(perToken)}`
  if (limit === undefined) return undefined
  if (firstTokenSeconds === undefined)
    return `cannot promise a first token within ${milliseconds(limit)}: ${firstTokenRefused ?? ''}`
  return firstTokenSeconds > limit
    ? `takes ${milliseconds(firstTokenSeconds)} to the first token, over ${milliseconds(limit)}`
    : undefined
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0)} GB`
const milliseconds = (seconds: number): string => `${(seconds * 1e3).toPrecision(3)} ms`
