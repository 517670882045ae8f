/** Plans for programs: the same numbers, without what only the model needs, and with long lists cut. */
import type { ServePlan, ServeRequest } from '../search/serve-request.ts'
import type { TrainPlan, TrainRequest } from '../search/train-request.ts'

const most = 200

export function serveJson<P extends ServePlan & { readonly request: ServeRequest }>(plan: P): object {
  const { request, candidates, rejected, ...rest } = plan
  return { request: short(request), ...rest, candidates: candidates.slice(0, most), rejected: rejected.slice(0, most) }
}

export function trainJson<P extends TrainPlan & { readonly request: TrainRequest }>(plan: P): object {
  const { request, candidates, rejected, ...rest } = plan
  return { request: short(request), ...rest, candidates: candidates.slice(0, most), rejected: rejected.slice(0, most) }
}

function short<R extends ServeRequest | TrainRequest>(request: R): object {
  return { ...request, model: request.model.name, gpu: request.gpu.name }
}
