/** Draws the graph: curves between boxes, the critical path strong, everything else quiet. */
import type { GraphNode, GraphView } from '../../../src/dashboard/page.ts'
import { countOf, formatMs } from '../look/format.ts'
import type { Look } from '../look/look.ts'
import type { Box, Placing } from './place.ts'
import type { Pass } from './route.ts'

export interface Camera {
  /** The graph's coordinates at the left upper corner of the screen. */
  readonly x: number
  readonly y: number
  /** Screen pixels per unit. */
  readonly scale: number
}

export interface GraphScene {
  readonly width: number
  readonly height: number
  readonly graph: GraphView
  readonly placing: Placing
  /** By edge, the layers that it passes. */
  readonly routes: readonly (readonly Pass[])[]
  readonly box: Box
  readonly camera: Camera
  readonly look: Look
  readonly colour: (group: number) => string
  /** Places in the graph's nodes; −1 none. */
  readonly focused: number
  readonly picked: (node: GraphNode) => boolean
}

/** Below this scale text is not text any more. */
const readable = 0.42

export function paintGraph(context: CanvasRenderingContext2D, scene: GraphScene): void {
  const { width, height, camera } = scene
  context.clearRect(0, 0, width, height)
  context.save()
  context.scale(camera.scale, camera.scale)
  context.translate(-camera.x, -camera.y)
  for (const critical of [false, true]) paintEdges(context, scene, critical)
  for (const [n, node] of scene.graph.nodes.entries()) paintNode(context, scene, node, n)
  context.restore()
}

function paintEdges(context: CanvasRenderingContext2D, scene: GraphScene, critical: boolean): void {
  const { graph, placing, routes, box, look, camera } = scene
  context.strokeStyle = critical ? look.path : look.faint
  context.globalAlpha = critical ? 1 : graph.edges.length > 600 ? 0.18 : 0.45
  context.lineWidth = (critical ? 1.75 : 1) / Math.min(1, Math.max(0.35, camera.scale))
  for (const inside of [false, true]) {
    context.setLineDash(inside ? [4, 4] : [])
    context.beginPath()
    for (const [e, edge] of graph.edges.entries()) {
      if (edge.critical !== critical || (edge.kind === 'inside') !== inside) continue
      let [x, y] = [(placing.x[edge.from] as number) + box.width, (placing.y[edge.from] as number) + box.height / 2]
      const [endX, endY] = [placing.x[edge.to] as number, (placing.y[edge.to] as number) + box.height / 2]
      context.moveTo(x, y)
      for (const pass of routes[e] ?? []) {
        curve(context, x, y, pass.left, pass.y)
        context.lineTo(pass.right, pass.y)
        ;[x, y] = [pass.right, pass.y]
      }
      curve(context, x, y, endX, endY)
    }
    context.stroke()
  }
  context.setLineDash([])
  context.globalAlpha = 1
}

function curve(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  const bend = Math.max(20, Math.abs(x2 - x1) / 2)
  // An edge that goes back closes a circle: under the boxes, so that it is seen as what it is.
  const under = x2 > x1 ? 0 : 40
  context.bezierCurveTo(x1 + bend, y1 + under, x2 - bend, y2 + under, x2, y2)
}

function paintNode(context: CanvasRenderingContext2D, scene: GraphScene, node: GraphNode, n: number): void {
  const { placing, box, look, camera, width, height } = scene
  const [x, y] = [placing.x[n] as number, placing.y[n] as number]
  const [left, top] = [(x - camera.x) * camera.scale, (y - camera.y) * camera.scale]
  if (left > width || top > height || left + box.width * camera.scale < 0 || top + box.height * camera.scale < 0) return
  const failed = node.counts.failed > 0
  context.fillStyle = look.ground
  context.strokeStyle = node.critical ? look.path : look.grip
  context.lineWidth = node.critical ? 1.75 : 1
  context.beginPath()
  context.roundRect(x, y, box.width, box.height, 6)
  context.fill()
  context.stroke()
  context.fillStyle = scene.colour(node.group)
  context.beginPath()
  context.roundRect(x, y, 5, box.height, [6, 0, 0, 6])
  context.fill()
  if (failed) {
    context.fillStyle = look.failed
    context.beginPath()
    context.moveTo(x + box.width - 14, y)
    context.lineTo(x + box.width - 6, y)
    context.arcTo(x + box.width, y, x + box.width, y + 6, 6)
    context.lineTo(x + box.width, y + 14)
    context.fill()
  }
  if (scene.picked(node) || scene.focused === n) {
    context.strokeStyle = look.accent
    context.lineWidth = 2.5
    context.beginPath()
    context.roundRect(x - 2.5, y - 2.5, box.width + 5, box.height + 5, 8)
    context.stroke()
  }
  if (camera.scale < readable) return
  context.textBaseline = 'alphabetic'
  context.font = `600 12px ${look.font.slice(look.font.indexOf('px') + 2)}`
  context.fillStyle = look.text
  context.fillText(cut(context, node.label, box.width - 28), x + 14, y + 17)
  context.font = `400 11px ${look.font.slice(look.font.indexOf('px') + 2)}`
  context.fillStyle = failed ? look.failed : look.faint
  const many = node.task === 0 ? `${countOf(node.tasks, 'task')} · ` : ''
  const lost = failed ? (node.task === 0 ? ` · ${node.counts.failed} failed` : ' · failed') : ''
  context.fillText(cut(context, `${many}${formatMs(node.ms)}${lost}`, box.width - 22), x + 14, y + 33)
}

function cut(context: CanvasRenderingContext2D, text: string, room: number): string {
  const width = context.measureText(text).width
  if (width <= room) return text
  return `${text.slice(0, Math.max(1, Math.floor((room / width) * text.length) - 1))}…`
}

/** The box under a point of the screen; −1 none. */
export function nodeAt({ graph, placing, box, camera }: GraphScene, x: number, y: number): number {
  const [gx, gy] = [camera.x + x / camera.scale, camera.y + y / camera.scale]
  return graph.nodes.findIndex((_, n) => {
    const [left, top] = [placing.x[n] as number, placing.y[n] as number]
    return gx >= left && gx <= left + box.width && gy >= top && gy <= top + box.height
  })
}

/** All of it in view, never larger than life. */
export function fitCamera({ width: w, height: h }: Placing, width: number, height: number): Camera {
  const pad = 20
  const scale = Math.min(1, (width - 2 * pad) / Math.max(1, w), (height - 2 * pad) / Math.max(1, h))
  return scale > 0 ? { scale, x: (w - width / scale) / 2, y: (h - height / scale) / 2 } : { scale: 1, x: 0, y: 0 }
}
