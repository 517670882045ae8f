/** Where the time of a plan goes, as one picture. */
import { layoutName } from '../search/divide.ts'
import type { ServePlan, ServeRequest } from '../search/serve-request.ts'
import { trainingLayoutName } from '../search/train.ts'
import type { TrainPlan, TrainRequest } from '../search/train-request.ts'
import { stepTimeline } from '../timeline/step-timeline.ts'
import { stackedSvg, timelineSvg } from './svg.ts'

/** More microbatches are too narrow to see. */
const drawn = 64

/** Time per token of the layouts on the front, fastest first. */
export function serveSvg({ request, pareto }: ServePlan & { readonly request: ServeRequest }): string {
  const bars = pareto.map(({ layout, replicas, concurrency, perToken }) => ({
    label: `${replicas} × ${layoutName(layout)}, ${concurrency}`,
    terms: perToken,
  }))
  return stackedSvg(bars, `${request.model.name} on ${request.gpu.name}: time per token, by requests at once in each replica`)
}

/** The timeline of the best layout's pipeline; without stages, the steps of the fastest layouts as bars. */
export function trainSvg({ request, best, candidates }: TrainPlan & { readonly request: TrainRequest }): string {
  if (best !== undefined && best.layout.pipeline > 1 && best.step.microbatches <= drawn)
    return timelineSvg(stepTimeline({ ...request, layout: best.layout }))
  const bars = candidates
    .slice(0, 8)
    .map(({ layout, gpus, step }) => ({ label: `${gpus}: ${trainingLayoutName(layout)}`, terms: step.terms }))
  return stackedSvg(bars, `${request.model.name} on ${request.gpu.name}: time of a step`)
}
