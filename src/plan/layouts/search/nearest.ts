/** When a model fits nowhere, or no layout meets the limits: the nearest things that work. */
import { trainingMemory } from '../cost/training-memory.ts'
import { gpuNames, gpuOf } from '../hardware/gpus.ts'
import { indivisible, layoutName } from './divide.ts'
import { searchServing } from './serve.ts'
import type { ServeCandidate, ServeRequest } from './serve-request.ts'
import { trainingLayoutName, trainingLayouts } from './train.ts'
import type { TrainRequest } from './train-request.ts'

/** GPUs beyond which nobody is sent. */
const mostGpus = 1024

/** Sentences without a full stop, the smallest change first. */
export function nearestServing(request: ServeRequest): string[] {
  const { model, gpu, nodes, perNode, rate, concurrency } = request
  const found = [...narrower(request), ...more(request), ...larger(request)]
  if (rate !== undefined) {
    const least = leastRate(request)
    if (least !== undefined)
      found.push(`these ${nodes * perNode} GPUs serve ${least.toPrecision(2)} requests a second within the limits`)
  }
  if (
    concurrency !== undefined &&
    concurrency > 1 &&
    works({ ...request, concurrency: Math.ceil(concurrency / 2) }) !== undefined
  ) {
    found.push('half as many requests at once meet the limits')
  }
  const shorter = [2, 4, 8, 16].find(
    (part) => works({ ...request, input: request.input / part, output: request.output / part }) !== undefined,
  )
  if (found.length === 0 && shorter !== undefined) found.push(`prompts and answers of 1/${shorter} of the length work`)
  if (found.length === 0)
    found.push(`no number of ${gpu.name} up to ${mostGpus} is enough for ${model.name}: relax a limit, or take a faster GPU`)
  return found
}

function narrower(request: ServeRequest): string[] {
  const { gpu, numbers } = request
  for (const weights of ['fp8', 'fp4'] as const) {
    const known = weights === 'fp8' ? numbers.weights === 'bf16' : numbers.weights !== 'fp4' && gpu.fp4 !== undefined
    if (!known) continue
    const best = works({ ...request, numbers: { weights, cache: 'fp8' } })
    if (best !== undefined) return [`--weights ${weights}: ${described(best)}`]
  }
  return []
}

function more(request: ServeRequest): string[] {
  const { gpu, nodes, perNode } = request
  for (let count = 2 * nodes * perNode; count <= mostGpus; count *= 2) {
    const each = Math.min(count, gpu.node)
    const best = works({ ...request, nodes: Math.ceil(count / each), perNode: each })
    if (best !== undefined) return [`--nodes ${Math.ceil(count / each)} --per-node ${each}: ${described(best)}`]
  }
  return []
}

function larger(request: ServeRequest): string[] {
  const { gpu, perNode } = request
  const others = gpuNames
    .map(gpuOf)
    .filter((other) => other.memoryBytes > gpu.memoryBytes && other.node >= perNode && other.nvlink)
  for (const other of others.toSorted((a, b) => a.memoryBytes - b.memoryBytes)) {
    const best = works({ ...request, gpu: other })
    if (best !== undefined) return [`--gpu ${other.name}: ${described(best)}`]
  }
  return []
}

function works(request: ServeRequest): ServeCandidate | undefined {
  return searchServing(request).best
}

function described({ replicas, layout, tokenSeconds }: ServeCandidate): string {
  return `${replicas} × ${layoutName(layout)}, ${(tokenSeconds * 1e3).toPrecision(3)} ms per token`
}

/** The largest rate that works, to half a percent of what was asked. */
function leastRate(request: ServeRequest): number | undefined {
  let [low, high] = [0, request.rate ?? 0]
  for (let step = 0; step < 8; step++) {
    const middle = (low + high) / 2
    if (works({ ...request, rate: middle }) === undefined) high = middle
    else low = middle
  }
  return low > 0 ? low : undefined
}

export function nearestTraining(request: TrainRequest): string[] {
  const { gpu, nodes, perNode } = request
  for (let factor = 1; factor <= 256; factor *= 2) {
    const bigger = { ...request, nodes: nodes * factor, batch: request.batch * factor }
    const least = leastMemory(bigger)
    if (least !== undefined && least.bytes <= gpu.memoryBytes) {
      const grown = factor > 1 ? ` with --batch ${bigger.batch}` : ''
      return [`--nodes ${nodes * factor}${grown}: ${least.name}`]
    }
  }
  return [`no number of ${gpu.name} up to ${nodes * perNode * 256} holds it: shorten the sequence, or take a larger GPU`]
}

function leastMemory(request: TrainRequest): { readonly bytes: number; readonly name: string } | undefined {
  let least: { bytes: number; name: string } | undefined
  const { model, gpu, nodes, perNode, precision, sequence, batch, efficiencies } = request
  for (const layout of trainingLayouts({ ...request, only: { microbatch: 1, recompute: 'full' } }, nodes * perNode)) {
    if (indivisible(model, { ...layout, attentionData: 1 }) !== undefined) continue
    const bytes = trainingMemory({ model, gpu, layout, precision, sequence, batch, perNode, efficiencies }).total
    if (least === undefined || bytes < least.bytes) least = { bytes, name: trainingLayoutName(layout) }
  }
  return least
}
