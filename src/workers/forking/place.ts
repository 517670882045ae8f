/** Where code stands that forks, by its frames: which batch its task belongs to, and how deep in the tree of forks it is. */
import type { Frame } from '../../base/frame.ts'

/** The batch whose task the code at hand belongs to. */
export function batchOf(frame: Frame): number {
  for (let at: Frame | undefined = frame; at; at = at.parent) {
    const { batch } = at.context as { readonly batch?: number }
    if (batch !== undefined) return batch
  }
  return 0
}

export function depthOf(frame: Frame): number {
  for (let at: Frame | undefined = frame; at; at = at.parent) {
    const { depth } = at.context as { readonly depth?: number }
    if (depth !== undefined) return depth
  }
  return 0
}
