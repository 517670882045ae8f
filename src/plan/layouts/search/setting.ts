import type { ReplicaLayout, Setting } from '../cost/forward.ts'
import type { ServeRequest } from './serve-request.ts'

/** One layout of a request, with links as far as its nodes reach. */
export function settingOf({ model, gpu, perNode, numbers, engine, efficiencies }: ServeRequest, layout: ReplicaLayout): Setting {
  return { model, gpu: { ...gpu, node: Math.min(gpu.node, perNode) }, layout, numbers, engine, efficiencies }
}
