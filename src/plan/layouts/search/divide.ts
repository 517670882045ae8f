/** Ways to divide a model among GPUs, and why some are none. */
import type { ReplicaLayout } from '../cost/forward.ts'
import type { Architecture } from '../model/architecture.ts'

/** Why heads, layers or experts do not divide that way; nothing when they do. */
export function indivisible(model: Architecture, { tensor, pipeline, expert }: ReplicaLayout): string | undefined {
  const { heads, attention, layers, experts, intermediate } = model
  if (heads % tensor !== 0) return `${heads} attention heads do not divide by ${tensor}`
  if (attention.kind === 'grouped') {
    const { kvHeads } = attention
    if (kvHeads % tensor !== 0 && tensor % kvHeads !== 0)
      return `${kvHeads} key and value heads neither divide by ${tensor} nor into it`
  }
  if (intermediate % tensor !== 0) return `the feed-forward width ${intermediate} does not divide by ${tensor}`
  if (pipeline > layers) return `${layers} layers cannot be ${pipeline} stages`
  if (experts === undefined) return expert > 1 ? 'the model has no experts' : undefined
  if (experts.count % expert !== 0) return `${experts.count} experts do not divide by ${expert}`
  if (expert === 1 && experts.intermediate % tensor !== 0)
    return `the experts' width ${experts.intermediate} does not divide by ${tensor}`
  return undefined
}

/** Replicas of at most `gpus` GPUs. Tensor parallelism stays inside a node: across nodes its all-reduces cost more than they save. */
export function replicaLayouts(model: Architecture, gpus: number, perNode: number): ReplicaLayout[] {
  const found: ReplicaLayout[] = []
  for (const tensor of divisorsUpTo(Math.min(gpus, perNode))) {
    for (let pipeline = 1; tensor * pipeline <= gpus; pipeline *= 2) {
      const copies = model.experts === undefined ? [1] : divisorsUpTo(Math.floor(gpus / (tensor * pipeline)))
      for (const attentionData of copies) {
        const all = tensor * attentionData
        // Copies of the attention share the experts; a single one may slice them or deal them out.
        const ways = attentionData > 1 ? [all] : model.experts === undefined || all === 1 ? [1] : [1, all]
        for (const expert of ways) found.push({ tensor, pipeline, expert, attentionData })
      }
    }
  }
  return found
}

/** Powers of two, and three times those, as GPUs come in nodes of 4, 6, 8 or 72. */
function divisorsUpTo(most: number): number[] {
  const sizes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 36, 48, 64, 72, 96, 128]
  return sizes.filter((size) => size <= most)
}

export function gpusOf({ tensor, pipeline, attentionData }: ReplicaLayout): number {
  return tensor * pipeline * attentionData
}

/** `TP4 PP2`, `TP1 DP8 EP8`. */
export function layoutName({ tensor, pipeline, expert, attentionData }: ReplicaLayout): string {
  const parts = [`TP${tensor}`]
  if (pipeline > 1) parts.push(`PP${pipeline}`)
  if (attentionData > 1) parts.push(`DP${attentionData}`)
  if (expert > 1) parts.push(`EP${expert}`)
  return parts.join(' ')
}
