/** Paints the lanes whenever something that they show has changed, once per frame of the screen. */
import { type ReadonlySignal, useSignalEffect } from '@preact/signals'
import type { RefObject } from 'preact'
import { look } from '../look/look.ts'
import { sharpContext } from '../parts/size.ts'
import type { Model } from '../state/model.ts'
import type { Lanes } from './lanes.ts'
import { paintTimeline, type Scene } from './paint.ts'

/** @param hovered the number of the task under the pointer */
export function usePainting(
  model: Model,
  { size, rows, placeOf, layers, scroll }: Lanes,
  canvas: RefObject<HTMLCanvasElement | null>,
  hovered: ReadonlySignal<number | undefined>,
): void {
  useSignalEffect(() => {
    const scene: Scene = {
      ...size.value,
      scroll: scroll.at.value,
      view: model.view.value,
      rows: rows.value,
      placeOf: placeOf.value,
      layers: layers.value,
      colour: (group) => model.colour(group),
      label: (group) => model.label(group),
      look: look.value,
      range: model.drafted.value ?? model.range.value,
      selected: model.task.value,
      hovered: hovered.value,
      path: model.path.value.value?.segments ?? [],
    }
    void model.places.value
    const frame = requestAnimationFrame(() => {
      const context = canvas.current && sharpContext(canvas.current, scene)
      if (!canvas.current || !context) return
      paintTimeline(context, scene)
      // Tests and measurements wait for it.
      const version = scene.layers.at(-1)?.layer.window.version ?? -1
      canvas.current.dataset['painted'] = String(version)
      if (version >= 0) model.drawn.value = true
    })
    return () => cancelAnimationFrame(frame)
  })
}
