/** How groups and tasks hang together. A click on a group unfolds its tasks, a click on a task opens it; arrow keys go from box to box. */
import { useComputed, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { countOf } from '../look/format.ts'
import { look } from '../look/look.ts'
import { Icon } from '../parts/Icon.tsx'
import { sharpContext, useSize } from '../parts/size.ts'
import { stateWords } from '../parts/States.tsx'
import { Swatch } from '../parts/Swatch.tsx'
import { asked } from '../state/asked.ts'
import { useModel } from '../state/context.ts'
import { openTask } from '../state/walk.ts'
import { fitCamera, nodeAt, paintGraph, type Camera, type GraphScene } from './paint.ts'
import { placeBoxes } from './place.ts'
import { routeEdges } from './route.ts'

const box = { width: 176, height: 42 }
/** More unfolded groups than this share one chip. */
const chipsMax = 5
const emptyGraph = { version: -1, nodes: [], edges: [], layers: [], expanded: [], leftOut: 0 }

export function Graph() {
  const model = useModel()
  const area = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(area)
  /** undefined: as the source thinks best. */
  const expanded = useSignal<readonly number[] | undefined>(undefined)
  /** undefined: all of it in view. */
  const moved = useSignal<Camera | undefined>(undefined)
  const focused = useSignal(-1)
  const found = useMemo(
    () =>
      asked(
        () =>
          model.version.value < 0
            ? undefined
            : {
                version: model.version.value,
                marked: model.marked.value,
                range: model.range.value,
                expanded: expanded.value,
              },
        ({ range, expanded }) => model.source.graph({ ...(range && { range }), ...(expanded && { expanded }) }),
        (took) => (model.live.peek() ? Math.max(500, 3 * took) : 0),
      ),
    [model],
  )
  useEffect(() => () => found.stop(), [found])
  const graph = useComputed(() => found.value.value ?? emptyGraph)
  const placing = useComputed(() => placeBoxes(graph.value.nodes, graph.value.edges, box))
  const routes = useComputed(() => routeEdges(graph.value.nodes, graph.value.edges, placing.value, box))
  const camera = useComputed(() => moved.value ?? fitCamera(placing.value, size.value.width, size.value.height))
  const scene = useComputed<GraphScene>(() => ({
    ...size.value,
    graph: graph.value,
    placing: placing.value,
    routes: routes.value,
    box,
    camera: camera.value,
    look: look.value,
    colour: (group) => model.colour(group),
    focused: focused.value,
    picked: ({ task, group }) => (task !== 0 ? task === model.task.value : group === model.group.value),
  }))
  useSignalEffect(() => {
    const now = scene.value
    void model.places.value
    void model.task.value
    void model.group.value
    const frame = requestAnimationFrame(() => {
      const context = canvas.current && sharpContext(canvas.current, now)
      if (context) paintGraph(context, now)
    })
    return () => cancelAnimationFrame(frame)
  })

  const fold = (groups: readonly number[]): void => {
    expanded.value = groups
    moved.value = undefined
    focused.value = -1
  }
  const pick = (n: number): void => {
    const node = graph.peek().nodes[n]
    focused.value = n
    if (!node) return
    if (node.task !== 0) void openTask(model, node.task)
    else fold([...graph.peek().expanded, node.group])
  }

  useEffect(() => {
    const element = area.current
    if (!element) return
    const off = new AbortController()
    let drag: { x: number; y: number; moved: boolean } | undefined
    const at = (event: MouseEvent): readonly [number, number] => {
      const { left, top } = element.getBoundingClientRect()
      return [event.clientX - left, event.clientY - top]
    }
    const on = { signal: off.signal }
    element.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault()
        const [x, y] = at(event)
        const { x: cx, y: cy, scale } = camera.peek()
        const next = Math.min(3, Math.max(0.02, scale * Math.exp(-event.deltaY * 0.002)))
        moved.value = { scale: next, x: cx + x / scale - x / next, y: cy + y / scale - y / next }
      },
      { passive: false, signal: off.signal },
    )
    element.addEventListener(
      'pointerdown',
      (event) => {
        const [x, y] = at(event)
        drag = { x, y, moved: false }
        element.setPointerCapture(event.pointerId)
      },
      on,
    )
    element.addEventListener(
      'pointermove',
      (event) => {
        const [x, y] = at(event)
        element.style.cursor = drag?.moved ? 'grabbing' : nodeAt(scene.peek(), x, y) >= 0 ? 'pointer' : 'grab'
        if (!drag || (!drag.moved && Math.hypot(x - drag.x, y - drag.y) < 4)) return
        const { scale, ...from } = camera.peek()
        moved.value = { scale, x: from.x - (x - drag.x) / scale, y: from.y - (y - drag.y) / scale }
        drag = { x, y, moved: true }
      },
      on,
    )
    element.addEventListener(
      'pointerup',
      (event) => {
        if (drag && !drag.moved) pick(nodeAt(scene.peek(), ...at(event)))
        drag = undefined
      },
      on,
    )
    return () => off.abort()
  }, [model])

  const keys = (event: KeyboardEvent): void => {
    const { nodes } = graph.peek()
    if (nodes.length === 0) return
    if (event.key === 'Enter') pick(focused.peek())
    else if (event.key.startsWith('Arrow')) focused.value = neighbourOf(scene.peek(), event.key)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const focusedNode = graph.value.nodes[focused.value]
  return (
    <div class="graph">
      <div class="tools">
        {graph.value.expanded.length === 0 && (
          <span class="muted">{graph.value.nodes.length > 0 && 'A click on a group unfolds its tasks.'}</span>
        )}
        {graph.value.expanded.length > chipsMax ? (
          <button type="button" class="chip" title="Fold all together" onClick={() => fold([])}>
            {countOf(graph.value.expanded.length, 'group')} unfolded <Icon name="close" />
          </button>
        ) : (
          graph.value.expanded.map((group) => (
            <button
              key={group}
              type="button"
              class="chip"
              title="Fold together again"
              onClick={() => fold(graph.peek().expanded.filter((other) => other !== group))}
            >
              <Swatch group={group} /> {model.label(group)} <Icon name="close" />
            </button>
          ))
        )}
        {graph.value.leftOut > 0 && <span class="muted">{countOf(graph.value.leftOut, 'more task')} not drawn one by one</span>}
        <span class="muted right">
          <i class="edge" /> needs <i class="edge dashed" /> started inside <i class="edge critical" /> critical path
        </span>
        <button type="button" class="button" title="All of it" onClick={() => (moved.value = undefined)}>
          <Icon name="fit" />
        </button>
      </div>
      <div class="graph-area" ref={area} tabIndex={0} role="application" aria-label="Graph of groups and tasks" onKeyDown={keys}>
        <canvas ref={canvas} style={{ width: '100%', height: '100%' }} />
        {found.value.value && graph.value.nodes.length === 0 && <p class="empty">No task, no graph.</p>}
        <p class="sr" role="status">
          {focusedNode &&
            `${focusedNode.label}: ${stateWords(focusedNode.counts)}${focusedNode.critical ? ', on the critical path' : ''}`}
        </p>
      </div>
    </div>
  )
}

/** The nearest box in the direction of an arrow key. */
function neighbourOf({ graph, placing, focused }: GraphScene, key: string): number {
  if (focused < 0) return 0
  const [dx, dy] = key === 'ArrowLeft' ? [-1, 0] : key === 'ArrowRight' ? [1, 0] : key === 'ArrowUp' ? [0, -1] : [0, 1]
  let [best, least] = [focused, Infinity]
  for (let n = 0; n < graph.nodes.length; n++) {
    const x = (placing.x[n] as number) - (placing.x[focused] as number)
    const y = (placing.y[n] as number) - (placing.y[focused] as number)
    const along = x * dx + y * dy
    const across = Math.abs(x * dy) + Math.abs(y * dx)
    if (along > 1 && along + 2 * across < least) [best, least] = [n, along + 2 * across]
  }
  return best
}
