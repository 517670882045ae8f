/**
 * Draws the timeline: per lane either every task as a bar, or coverage stretched from a strip. Nothing here keeps state; what is to be
 * seen comes as one {@link Scene}, so that a frame is one call.
 */
import type { PathSegment, Slices, TimelineWindow } from '../../../src/dashboard/page.ts'
import { taskStates } from '../../../src/dashboard/page.ts'
import { shortName } from '../look/families.ts'
import type { Look } from '../look/look.ts'
import { inkOn } from '../look/palette.ts'
import { ticks, toX, type Span } from '../time/scale.ts'
import type { Row, Rows } from './rows.ts'
import type { Strips } from './strips.ts'

/** An answer and its picture. */
export interface Layer {
  readonly window: TimelineWindow
  readonly strips: Strips | undefined
}

export interface Scene {
  readonly width: number
  readonly height: number
  readonly scroll: number
  readonly view: Span
  readonly rows: Rows
  /** By key of a lane, its place in `rows`. */
  readonly placeOf: ReadonlyMap<string, number>
  /** Drawn one over the other; where the last covers the whole view, the others are not needed. */
  readonly layers: readonly { readonly layer: Layer; readonly dim: boolean }[]
  readonly colour: (group: number) => string
  readonly label: (group: number) => string
  readonly look: Look
  readonly range: Span | undefined
  readonly selected: number | undefined
  readonly hovered: number | undefined
  readonly path: readonly PathSegment[]
}

const failedState = taskStates.indexOf('failed')
const runningState = taskStates.indexOf('running')
const cancelledState = taskStates.indexOf('cancelled')
const dimmed = 0.16

export function paintTimeline(context: CanvasRenderingContext2D, scene: Scene): void {
  const { width, height, look } = scene
  context.clearRect(0, 0, width, height)
  paintGrid(context, scene)
  context.save()
  context.translate(0, -scene.scroll)
  for (const { layer, dim } of scene.layers) paintLayer(context, scene, layer, dim)
  paintPath(context, scene)
  context.restore()
  if (scene.range) paintRange(context, scene, scene.range, look)
}

function paintGrid(context: CanvasRenderingContext2D, { width, height, scroll, view, rows, look }: Scene): void {
  context.fillStyle = look.grid
  for (const { at } of ticks(view, width)) context.fillRect(Math.round(toX(view, width, at)), 0, 1, height)
  context.fillStyle = look.line
  for (const { top, height: tall } of rows.blocks) context.fillRect(0, Math.round(top + tall - scroll) + 2, width, 1)
}

function paintLayer(context: CanvasRenderingContext2D, scene: Scene, layer: Layer, dim: boolean): void {
  const { window, strips } = layer
  for (const [lane, { key, slices }] of window.lanes.entries()) {
    const row = scene.rows.rows[scene.placeOf.get(key) ?? -1]
    if (!row || row.top + row.height < scene.scroll || row.top > scene.scroll + scene.height) continue
    if (slices) paintSlices(context, scene, slices, window.names, row, dim)
    else if (strips && (strips.rowOf[lane] as number) >= 0) paintStrip(context, scene, window, strips, lane, row, dim)
  }
}

function paintStrip(
  context: CanvasRenderingContext2D,
  { view, width, look }: Scene,
  window: TimelineWindow,
  { image, rowOf, flags }: Strips,
  lane: number,
  { top, height }: Row,
  dim: boolean,
): void {
  const perMs = window.columns / (window.to - window.from)
  const from = Math.max(0, Math.floor((view.from - window.from) * perMs))
  const to = Math.min(window.columns, Math.ceil((view.to - window.from) * perMs))
  if (to <= from) return
  const left = toX(view, width, window.from + from / perMs)
  const wide = toX(view, width, window.from + to / perMs) - left
  const row = rowOf[lane] as number
  const mark = Math.min(4, Math.max(2, height / 4))
  context.imageSmoothingEnabled = false
  context.globalAlpha = dim ? dimmed : 1
  context.drawImage(image, from, row, to - from, 1, left, top, wide, height)
  if (!dim) {
    context.drawImage(image, from, row + 1, to - from, 1, left, top, wide, mark)
    context.drawImage(image, from, row + 2, to - from, 1, left, top + height - 2, wide, 2)
    for (const column of flags[lane] ?? []) {
      const x = toX(view, width, window.from + (column + 0.5) / perMs)
      if (x > -5 && x < width + 5) failedMark(context, look, x, top)
    }
  }
  context.globalAlpha = 1
}

/** The first slice that ends after a time. */
export function firstEndingAfter({ settled, count }: Slices, at: number): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((settled[middle] as number) > at) high = middle
    else low = middle + 1
  }
  return low
}

function paintSlices(
  context: CanvasRenderingContext2D,
  scene: Scene,
  slices: Slices,
  names: TimelineWindow['names'],
  { top, height }: Row,
  dim: boolean,
): void {
  const { view, width, look } = scene
  const { count, task, group, state, critical, queued, ready, started, settled } = slices
  const first = firstEndingAfter(slices, view.from)
  const round = height >= 10 && count < 4_000
  let before = first > 0 ? (settled[first - 1] as number) : -Infinity
  context.globalAlpha = dim ? dimmed : 1
  for (let i = first; i < count; i++) {
    const start = started[i] as number
    const wait = Math.max(before, queued[i] as number)
    if (Math.min(wait, start) > view.to) break
    const number = group[i] as number
    const own = state[i] === failedState ? look.failed : scene.colour(number)
    const x = toX(view, width, start)
    const wide = toX(view, width, settled[i] as number) - x
    const waitX = toX(view, width, wait)
    if (x - waitX > 1.5 && !dim) {
      // Known, and its needs not there: a line. Ready, and not started: a pale half bar.
      const readyX = Math.max(waitX, toX(view, width, Math.max(wait, ready[i] as number)))
      context.fillStyle = own
      context.globalAlpha = 0.45
      if (readyX - waitX > 1) context.fillRect(waitX, top + Math.floor(height / 2), readyX - waitX, 1)
      context.globalAlpha = 0.26
      if (x - readyX > 1) context.fillRect(readyX, top + height * 0.25, x - readyX - 1, height * 0.5)
      context.globalAlpha = 1
    }
    before = settled[i] as number
    const shown = wide > 3 ? wide - 1 : Math.max(wide, 1)
    if (!dim) context.globalAlpha = wide >= 1 ? 1 : Math.max(0.35, wide)
    context.fillStyle = own
    // Its end is not known yet.
    if (state[i] === runningState) context.globalAlpha *= 0.72
    if (state[i] === cancelledState) {
      context.globalAlpha *= 0.35
      context.fillRect(x, top, shown, height)
      context.globalAlpha = dim ? dimmed : 1
    } else if (round && shown >= 6) {
      context.beginPath()
      context.roundRect(x, top, shown, height, 2.5)
      context.fill()
    } else context.fillRect(x, top, shown, height)
    if (dim) continue
    context.globalAlpha = 1
    if (critical[i] === 1) outline(context, look.path, x, top, shown, height, 1.5)
    if (state[i] === failedState) failedMark(context, look, x, top)
    if (task[i] === scene.selected) outline(context, look.accent, x - 1, top - 1, shown + 2, height + 2, 2.5)
    else if (task[i] === scene.hovered) outline(context, look.text, x, top, shown, height, 1)
    if (shown >= 34 && height >= 12) {
      const label = names[String(task[i])] ?? scene.label(number)
      name(context, scene, label, own, x, shown, top, height, state[i] === failedState)
    }
  }
  context.globalAlpha = 1
}

function outline(
  context: CanvasRenderingContext2D,
  colour: string,
  x: number,
  y: number,
  w: number,
  h: number,
  thick: number,
): void {
  // Where an outline would leave nothing of the bar, a line under it.
  if (w < thick * 2 || h < 9) {
    context.fillStyle = colour
    context.fillRect(x, y + h - 1.5, Math.max(w, 1), 1.5)
    return
  }
  context.strokeStyle = colour
  context.lineWidth = thick
  context.beginPath()
  context.roundRect(x + thick / 2, y + thick / 2, w - thick, h - thick, 2)
  context.stroke()
}

/** A small flag above the bar: also a failure one pixel wide must be seen, and without colour. */
function failedMark(context: CanvasRenderingContext2D, look: Look, x: number, top: number): void {
  context.fillStyle = look.failed
  context.strokeStyle = look.ground
  context.lineWidth = 1
  context.beginPath()
  context.moveTo(x - 4, top - 3)
  context.lineTo(x + 5, top - 3)
  context.lineTo(x + 0.5, top + 5)
  context.closePath()
  context.fill()
  context.stroke()
}

function name(
  context: CanvasRenderingContext2D,
  { look, view, width }: Scene,
  label: string,
  colour: string,
  x: number,
  wide: number,
  top: number,
  height: number,
  failed: boolean,
): void {
  const from = Math.max(x, toX(view, width, view.from)) + 6
  const room = Math.min(x + wide, width) - from - 5
  if (room < 20) return
  context.font = look.font
  const short = shortName(label)
  const text = fitting(context, failed ? `✕ ${short}` : short, room)
  if (text === '') return
  context.fillStyle = inkOn(colour)
  context.textBaseline = 'middle'
  context.fillText(text, from, top + height / 2 + 0.5)
}

const widths = new Map<string, number>()

/** As much of a text as fits, with an ellipsis when some is left out. */
function fitting(context: CanvasRenderingContext2D, text: string, room: number): string {
  let width = widths.get(text)
  if (width === undefined) {
    if (widths.size > 500) widths.clear()
    widths.set(text, (width = context.measureText(text).width))
  }
  if (width <= room) return text
  const letters = Math.floor((room / width) * text.length) - 1
  return letters < 6 ? '' : `${text.slice(0, letters)}…`
}

/** The chain from bar to bar, where it goes from one line to another. */
function paintPath(context: CanvasRenderingContext2D, { path, view, width, rows, placeOf, look }: Scene): void {
  context.strokeStyle = look.path
  context.globalAlpha = 0.6
  context.lineWidth = 1
  context.beginPath()
  let last: { readonly x: number; readonly row: Row } | undefined
  let end = -Infinity
  for (const { kind, from, to, lane } of path) {
    // Where segments were left out, nobody knows how it went on.
    if (from > end + 1e-6) last = undefined
    end = to
    if (kind !== 'work' || lane === undefined) continue
    const row = rows.rows[placeOf.get(lane) ?? -1]
    if (!row) continue
    const x = toX(view, width, from)
    if (last && last.row !== row && Math.max(x, last.x) >= 0 && Math.min(x, last.x) <= width) {
      const [at, middle] = [Math.round(last.x) - 0.5, row.top + row.height / 2]
      context.moveTo(at, last.row.top + last.row.height / 2)
      context.lineTo(at, middle)
      // What lies between is time in which the next piece waited.
      if (x - at > 2) context.lineTo(x, middle)
    }
    last = { x: toX(view, width, to), row }
  }
  context.stroke()
  context.globalAlpha = 1
}

function paintRange(context: CanvasRenderingContext2D, { view, width, height }: Scene, range: Span, look: Look): void {
  const [a, b] = [toX(view, width, range.from), toX(view, width, range.to)]
  context.fillStyle = look.ground
  context.globalAlpha = 0.66
  if (a > 0) context.fillRect(0, 0, Math.min(a, width), height)
  if (b < width) context.fillRect(Math.max(0, b), 0, width - Math.max(0, b), height)
  context.globalAlpha = 1
  context.fillStyle = look.accent
  context.fillRect(Math.round(a) - 1, 0, 1.5, height)
  context.fillRect(Math.round(b), 0, 1.5, height)
}
