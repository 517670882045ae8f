/** How groups and tasks hang together. A click on a group unfolds its tasks, a click on a task opens it; arrow keys go from box to box. */
import { type ReadonlySignal, useComputed, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { GraphView } from '../../../src/dashboard/page.ts'
import { countOf } from '../look/format.ts'
import { look } from '../look/look.ts'
import { Icon } from '../parts/Icon.tsx'
import { sharpContext, useSize } from '../parts/size.ts'
import { stateWords } from '../parts/States.tsx'
import { Swatch } from '../parts/Swatch.tsx'
import { asked } from '../state/asked.ts'
import { useModel } from '../state/context.ts'
import { openTask } from '../state/walk.ts'
import { neighbourOf } from './neighbour.ts'
import { fitCamera, paintGraph, type Camera, type GraphScene } from './paint.ts'
import { placeBoxes } from './place.ts'
import { listenToPointer } from './pointer.ts'
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
  const found = useGraphAnswer(expanded)
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
    if (area.current) return listenToPointer(area.current, { scene, camera, pick, move: (to) => (moved.value = to) })
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
      <Tools graph={graph.value} fold={fold} fit={() => (moved.value = undefined)} />
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

/** The graph with these groups unfolded, asked for again when the run goes on. */
function useGraphAnswer(expanded: ReadonlySignal<readonly number[] | undefined>) {
  const model = useModel()
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
  return found
}

interface ToolsProps {
  readonly graph: GraphView
  readonly fold: (groups: readonly number[]) => void
  readonly fit: () => void
}

/** Above the graph: which groups are unfolded, what the lines mean, and how to see all of it. */
function Tools({ graph, fold, fit }: ToolsProps) {
  const model = useModel()
  return (
    <div class="tools">
      {graph.expanded.length === 0 && (
        <span class="muted">{graph.nodes.length > 0 && 'A click on a group unfolds its tasks.'}</span>
      )}
      {graph.expanded.length > chipsMax ? (
        <button type="button" class="chip" title="Fold all together" onClick={() => fold([])}>
          {countOf(graph.expanded.length, 'group')} unfolded <Icon name="close" />
        </button>
      ) : (
        graph.expanded.map((group) => (
          <button
            key={group}
            type="button"
            class="chip"
            title="Fold together again"
            onClick={() => fold(graph.expanded.filter((other) => other !== group))}
          >
            <Swatch group={group} /> {model.label(group)} <Icon name="close" />
          </button>
        ))
      )}
      {graph.leftOut > 0 && <span class="muted">{countOf(graph.leftOut, 'more task')} not drawn one by one</span>}
      <span class="muted right">
        <i class="edge" /> needs <i class="edge dashed" /> started inside <i class="edge critical" /> critical path
      </span>
      <button type="button" class="button" title="All of it" onClick={fit}>
        <Icon name="fit" />
      </button>
    </div>
  )
}
