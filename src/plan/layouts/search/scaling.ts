/** What twice the GPUs of one replica bring, where that stops, and which term is to blame. */
import { steadyState } from '../cost/serving.ts'
import { type Term, termNames, type Terms } from '../cost/terms.ts'
import { cachedSequences } from '../cost/memory.ts'
import { gpusOf, indivisible, replicaLayouts } from './divide.ts'
import type { ScalingRow, ServeRequest } from './serve-request.ts'
import { settingOf } from './setting.ts'

/** Twice the GPUs that gain less than this are not worth it. */
export const worthwhile = 1.25

/** The fastest replica of 1, 2, 4 … GPUs, each with the same requests under way. */
export function scalingOf(request: ServeRequest, concurrency: number): ScalingRow[] {
  const total = request.nodes * request.perNode
  const rows: ScalingRow[] = []
  let last: { readonly terms: Terms; readonly tokenSeconds: number; readonly gpus: number } | undefined
  const layouts = replicaLayouts(request.model, total, request.perNode)
  for (let gpus = 1; gpus <= total; gpus *= 2) {
    const fastest = layouts
      .filter((layout) => gpusOf(layout) === gpus && indivisible(request.model, layout) === undefined)
      .filter((layout) => cachedSequences(settingOf(request, layout), request.input + request.output) >= 1)
      .map((layout) => ({
        layout,
        state: steadyState(settingOf(request, layout), { input: request.input, output: request.output, concurrency }),
      }))
      .toSorted((a, b) => a.state.tokenSeconds - b.state.tokenSeconds)[0]
    if (fastest === undefined) continue
    const { layout, state } = fastest
    const gain = last?.gpus === gpus / 2 ? last.tokenSeconds / state.tokenSeconds : undefined
    rows.push({
      gpus,
      layout,
      tokenSeconds: state.tokenSeconds,
      tokensPerSecond: state.tokensPerSecond,
      ...(gain !== undefined &&
        last !== undefined && { gain, worthIt: gain >= worthwhile, blame: blameOf(last.terms, state.perToken) }),
    })
    last = { terms: state.perToken, tokenSeconds: state.tokenSeconds, gpus }
  }
  return rows
}

/** The term that is furthest above half of what it was. */
export function blameOf(before: Terms, after: Terms): Term {
  let worst: Term = 'overhead'
  for (const name of termNames) {
    if (after[name] - before[name] / 2 > after[worst] - before[worst] / 2) worst = name
  }
  return worst
}
