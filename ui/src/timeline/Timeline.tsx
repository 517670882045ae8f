/** The home of the page: who did what when. A line per executor, the small picture of everything above it, the axis between them. */
import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { look } from '../look/look.ts'
import { sharpContext, useSize } from '../parts/size.ts'
import { useModel } from '../state/context.ts'
import { lengthOf, toTime } from '../time/scale.ts'
import { timelineData } from './data.ts'
import { Axis, Gutter } from './Edges.tsx'
import { listenToGestures } from './gestures.ts'
import { hitTest, type Hit } from './hit.ts'
import { Legend } from './Legend.tsx'
import { Minimap } from './Minimap.tsx'
import { useLayers } from './layers.ts'
import { paintTimeline, type Scene } from './paint.ts'
import { laneAt, layRows } from './rows.ts'
import { useScroll } from './scroll.ts'
import { Tooltip, type Pointed } from './Tooltip.tsx'

export function Timeline() {
  const model = useModel()
  const area = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(area)
  const pointed = useSignal<Pointed | undefined>(undefined)
  const pixels = useComputed(() => Math.ceil(size.value.width * (devicePixelRatio || 1)))
  const data = useMemo(() => timelineData(model, pixels), [model])
  useEffect(() => () => data.stop(), [data])

  const rows = useComputed(() => layRows(data.lanes.value, size.value.height))
  const placeOf = useComputed(() => new Map(data.lanes.value.map(({ key }, place) => [key, place])))
  const layers = useLayers(data)
  const hovered = useComputed(() => (pointed.value?.hit.kind === 'task' ? taskOf(pointed.value.hit) : undefined))
  const scroll = useScroll(
    () => rows.value.height,
    () => size.value.height,
  )

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

  const pointedAt = (x: number, y: number): Pointed => {
    const view = model.view.peek()
    return { x, y, at: toTime(view, size.peek().width, x), lengthMs: lengthOf(view), hit: hit(x, y) ?? nothing }
  }

  // What lies under the pointer changes also when that rests: keys zoom, and a run goes on.
  useSignalEffect(() => {
    void [model.view.value, layers.value, rows.value, scroll.at.value]
    const last = pointed.peek()
    if (last) pointed.value = pointedAt(last.x, last.y)
  })

  useEffect(() => {
    const element = area.current
    if (!element) return
    return listenToGestures(element, model, {
      click(x, y) {
        const found = hit(x, y)
        model.task.value = found?.kind === 'task' ? taskOf(found) : undefined
      },
      doubleClick(x, y) {
        const found = hit(x, y)
        const slices = found?.lane.slices
        if (found?.kind === 'task' && slices) {
          model.focus({ from: slices.started[found.slice] as number, to: slices.settled[found.slice] as number })
        } else model.zoomBy(0.25, toTime(model.view.peek(), size.peek().width, x))
      },
      hover(x, y) {
        pointed.value = pointedAt(x, y)
      },
      leave: () => (pointed.value = undefined),
      scroll: scroll.by,
    })
  }, [model])

  const empty = useComputed(() => data.everything.value.value !== undefined && data.lanes.value.length === 0)
  return (
    <section class="timeline" aria-label="Timeline">
      <Minimap window={data.everything.value} />
      <Axis width={size.value.width} />
      <div class="gutter" onWheel={(event) => scroll.by(event.deltaY)}>
        <Gutter rows={rows.value} scroll={scroll.at.value} />
      </div>
      <div
        class="lanes"
        ref={area}
        tabIndex={0}
        role="img"
        onKeyDown={(event) => {
          const step = { ArrowDown: 24, ArrowUp: -24, PageDown: size.value.height, PageUp: -size.value.height }[event.key]
          const side = { ArrowRight: 0.1, ArrowLeft: -0.1 }[event.key]
          if (step !== undefined) scroll.by(step)
          else if (side !== undefined) model.panBy(side * lengthOf(model.view.peek()))
          else return
          event.preventDefault()
        }}
        aria-label="Tasks over time. W and S zoom, A and D pan, F fits, N goes to the next failure, C along the critical path; the tables below hold the same tasks."
      >
        <canvas ref={canvas} style={{ width: '100%', height: '100%' }} />
        {pointed.value && <div class="crosshair" style={{ left: `${pointed.value.x}px` }} />}
        {empty.value && (
          <p class="empty">
            {model.live.value ? 'Waiting for the first task …' : 'No task was recorded: nothing ran through heddle.'}
          </p>
        )}
        {scroll.most.value > 0 && (
          <div
            class="thumb"
            style={{
              top: `${(scroll.at.value / rows.value.height) * 100}%`,
              height: `${(size.value.height / rows.value.height) * 100}%`,
            }}
          />
        )}
        {pointed.value && <Tooltip pointed={pointed.value} area={size.value} />}
      </div>
      <div class="corner foot" />
      <Legend />
    </section>
  )
}

const nothing: Hit = { kind: 'idle', lane: { key: '', executor: -1, line: 0, label: '', capacity: 0, tasks: 0 } }

const taskOf = (hit: Hit): number | undefined => (hit.kind === 'task' ? hit.lane.slices?.task[hit.slice] : undefined)
