import type { Trace } from '../model/trace.ts'
import { layout, type Placed } from './layout.ts'
import { clip, escapeXml, svgPage } from './svg.ts'
import { nodeDetails, taskGraph, type TaskGraphNode } from './task-graph.ts'

const box = { width: 180, height: 40 }
const gap = { across: 60, down: 16 }
const margin = 16
const letters = 24

/** The graph as a picture: needs from left to right, the critical path marked. */
export function svgGraph(trace: Trace): string {
  const nodes = taskGraph(trace)
  const { nodes: placed, layers } = layout(nodes.map(({ needs }) => needs))
  const tallest = Math.max(1, ...layers.map((layer) => layer.length))
  const width = margin * 2 + Math.max(1, layers.length) * (box.width + gap.across) - gap.across
  const height = margin * 2 + tallest * (box.height + gap.down) - gap.down
  const at = (node: number): { x: number; y: number } => position(placed[node] as Placed, layers, tallest)
  const edges = nodes.flatMap((node, i) =>
    node.needs.map((need) => edge(at(need), at(i), node.critical && nodes[need]?.critical === true)),
  )
  const boxes = nodes.map((node, i) => nodeBox(node, at(i)))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Task graph">`,
    svgPage(width, height),
    ...edges,
    ...boxes,
    '</svg>\n',
  ].join('\n')
}

function position({ layer, place }: Placed, layers: readonly (readonly number[])[], tallest: number): { x: number; y: number } {
  const free = (tallest - (layers[layer]?.length ?? 0)) / 2
  return { x: margin + layer * (box.width + gap.across), y: margin + (place + free) * (box.height + gap.down) }
}

function edge(from: { x: number; y: number }, to: { x: number; y: number }, critical: boolean): string {
  const [x1, y1, x2, y2] = [from.x + box.width, from.y + box.height / 2, to.x, to.y + box.height / 2]
  const bend = Math.max(20, (x2 - x1) / 2)
  return `<path class="line${critical ? ' critical' : ''}" d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}"/>`
}

function nodeBox(node: TaskGraphNode, { x, y }: { x: number; y: number }): string {
  const { label, tasks, critical } = node
  const failed = node.failed === tasks
  const details = nodeDetails(node)
  const name = tasks > 1 ? `${label} × ${tasks}` : label
  const on = failed ? ' on-failed' : ''
  return [
    `<g><title>${escapeXml(`${name}: ${details}`)}</title>`,
    `<rect class="box${critical ? ' critical' : ''}${failed ? ' failed' : ''}" x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="6"/>`,
    `<text class="${on.trim()}" x="${x + 10}" y="${y + 17}">${escapeXml(clip(name, letters))}</text>`,
    `<text class="faint${on}" x="${x + 10}" y="${y + 32}">${details}</text></g>`,
  ].join('')
}
