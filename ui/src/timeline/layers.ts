import { type ReadonlySignal, useComputed } from '@preact/signals'
import { look } from '../look/look.ts'
import { useModel } from '../state/context.ts'
import type { timelineData } from './data.ts'
import type { Layer, Scene } from './paint.ts'
import { paintStrips } from './strips.ts'

/**
 * What is painted, from back to front: the small picture of everything, where nothing sharper covers the view or a group is picked (then it is dimmed),
 * and the window around the view.
 */
export function useLayers(data: ReturnType<typeof timelineData>): ReadonlySignal<Scene['layers']> {
  const model = useModel()
  const layer = (window: Layer['window'] | undefined): Layer | undefined => {
    if (!window) return undefined
    const { failed, path } = look.value
    return { window, strips: paintStrips(window, { colour: (group) => model.colour(group), failed, path }) }
  }
  const everything = useComputed(() => layer(data.everything.value.value))
  const near = useComputed(() => layer(data.near.value.value))
  return useComputed<Scene['layers']>(() => {
    const view = model.view.value
    const dim = model.group.value !== undefined
    const close = near.value
    const all = everything.value
    const covers = close !== undefined && close.window.from <= view.from && close.window.to >= view.to
    return [...(all && (dim || !covers) ? [{ layer: all, dim }] : []), ...(close ? [{ layer: close, dim: false }] : [])]
  })
}
