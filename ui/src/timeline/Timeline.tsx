/** The home of the page: who did what when. A line per executor, the small picture of everything above it, the axis between them. */
import { useComputed } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { useSize } from '../parts/size.ts'
import { useModel } from '../state/context.ts'
import { lengthOf } from '../time/scale.ts'
import { Axis, Gutter } from './Edges.tsx'
import { useLanes } from './lanes.ts'
import { Legend } from './Legend.tsx'
import { Minimap } from './Minimap.tsx'
import { usePainting } from './painting.ts'
import { taskOf, usePointer } from './pointer.ts'
import { Tooltip } from './Tooltip.tsx'

export function Timeline() {
  const model = useModel()
  const area = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(area)
  const lanes = useLanes(model, size)
  const { rows, scroll } = lanes
  const pointed = usePointer(model, lanes, area)
  const hovered = useComputed(() => pointed.value && taskOf(pointed.value.hit))
  usePainting(model, lanes, canvas, hovered)

  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 24, ArrowUp: -24, PageDown: size.value.height, PageUp: -size.value.height }[event.key]
    const side = { ArrowRight: 0.1, ArrowLeft: -0.1 }[event.key]
    if (step !== undefined) scroll.by(step)
    else if (side !== undefined) model.panBy(side * lengthOf(model.view.peek()))
    else return
    event.preventDefault()
  }

  const empty = useComputed(() => lanes.data.everything.value.value !== undefined && lanes.data.lanes.value.length === 0)
  return (
    <section class="timeline" aria-label="Timeline">
      <Minimap window={lanes.data.everything.value} />
      <Axis width={size.value.width} />
      <div class="gutter" onWheel={(event) => scroll.by(event.deltaY)}>
        <Gutter rows={rows.value} scroll={scroll.at.value} />
      </div>
      <div
        class="lanes"
        ref={area}
        tabIndex={0}
        role="img"
        onKeyDown={onKeyDown}
        aria-label="Tasks over time. W and S zoom, A and D pan, F fits, N goes to the next failure, C along the critical path; the tables below hold the same tasks."
      >
        <canvas ref={canvas} style={{ width: '100%', height: '100%' }} />
        {pointed.value && <div class="crosshair" style={{ left: `${pointed.value.x}px` }} />}
        {empty.value && (
          <p class="empty">
            {model.live.value ? 'Waiting for the first task …' : 'No task was recorded: nothing ran through heddle.'}
          </p>
        )}
        {scroll.most.value > 0 && <Thumb top={scroll.at.value} shown={size.value.height} height={rows.value.height} />}
        {pointed.value && <Tooltip pointed={pointed.value} area={size.value} />}
      </div>
      <div class="corner foot" />
      <Legend />
    </section>
  )
}

/** How far the lanes are scrolled. */
function Thumb({ top, shown, height }: { readonly top: number; readonly shown: number; readonly height: number }) {
  return <div class="thumb" style={{ top: `${(top / height) * 100}%`, height: `${(shown / height) * 100}%` }} />
}
