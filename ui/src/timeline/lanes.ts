/** What the timeline shows at the moment: its lines, how far they are scrolled, and the layers of slices that are drawn over each other. */
import { type ReadonlySignal, useComputed } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { Size } from '../parts/size.ts'
import type { Model } from '../state/model.ts'
import { lengthOf, toTime } from '../time/scale.ts'
import { timelineData } from './data.ts'
import { hitTest, type Hit } from './hit.ts'
import { useLayers } from './layers.ts'
import { laneAt, layRows } from './rows.ts'
import { useScroll } from './scroll.ts'

export type Lanes = ReturnType<typeof useLanes>

export function useLanes(model: Model, size: ReadonlySignal<Size>) {
  const pixels = useComputed(() => Math.ceil(size.value.width * (devicePixelRatio || 1)))
  const data = useMemo(() => timelineData(model, pixels), [model])
  useEffect(() => () => data.stop(), [data])
  const rows = useComputed(() => layRows(data.lanes.value, size.value.height))
  const placeOf = useComputed(() => new Map(data.lanes.value.map(({ key }, place) => [key, place])))
  const layers = useLayers(data)
  const scroll = useScroll(
    () => rows.value.height,
    () => size.value.height,
  )

  /** What lies at a point of the canvas. */
  const hit = (x: number, y: number): Hit | undefined => {
    const place = laneAt(rows.peek(), y + scroll.at.peek())
    const key = data.lanes.peek()[place]?.key
    const view = model.view.peek()
    const at = toTime(view, size.peek().width, x)
    const slackMs = (3 / Math.max(1, size.peek().width)) * lengthOf(view)
    for (const { layer, dim } of layers.peek().toReversed()) {
      const { window } = layer
      const lane = window.lanes.find((lane) => lane.key === key)
      if (!dim && lane && at >= window.from && at <= window.to) return hitTest(window, lane, at, slackMs)
    }
    return undefined
  }

  return { size, data, rows, placeOf, layers, scroll, hit }
}
