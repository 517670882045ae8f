/**
 * The timeline as a picture: a line per worker and per slot of this thread, a colour per group, white where nothing ran, black what failed.
 * Stretches narrower than a pixel are drawn together, as dense as they cover it, so that a million tasks make a picture too.
 */
import { groupTasks } from '../explain/groups.ts'
import { layLanes } from './lanes.ts'
import { type Trace, taskStates } from '../model/trace.ts'
import { relate, type Related } from '../explain/relate.ts'
import { selfTimes, type Stretches } from '../explain/self-time.ts'
import { clip, escapeXml, groupColor, svgPage, textWidth } from './svg.ts'
import { isWorkerRow, RowNames } from '../processor/rows.ts'

const width = 1_200
const labelWidth = 110
const rowHeight = 18
const axisHeight = 26
/** More lines than this are not a picture any more; the rest is named. */
const linesMax = 80
const groupsShown = 10
const legendLetters = 30
const ticksMax = 8
const failed = taskStates.indexOf('failed')

export function svgTimeline(trace: Trace): string {
  const related = relate(trace)
  const { stretches } = selfTimes(related)
  const grouping = groupTasks(trace)
  const lines = linesOf(related, stretches)
  const shown = lines.slice(0, linesMax)
  const used = [...new Set(grouping.of)].slice(0, groupsShown)
  const height = axisHeight + shown.length * rowHeight + 44 + (lines.length > shown.length ? 18 : 0)
  const bars = shown.map((line, i) => drawLine(related, stretches, line, i, grouping.of))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Timeline">`,
    svgPage(width, height),
    axis(related, shown.length),
    ...bars,
    ...(lines.length > shown.length
      ? [
          `<text class="faint" x="4" y="${axisHeight + shown.length * rowHeight + 14}">and ${lines.length - shown.length} more lines</text>`,
        ]
      : []),
    legend(used, grouping.labels, trace.tasks.state.includes(failed), height - 14),
    '</svg>\n',
  ].join('\n')
}

interface Line {
  readonly label: string
  /** Numbers of stretches, in order of time. */
  readonly items: number[]
}

function linesOf({ trace }: Related, stretches: Stretches): Line[] {
  const found = new Map<string, Line & { readonly order: number }>()
  const put = (label: string, order: number, i: number): void => {
    const line = found.get(label)
    if (line) line.items.push(i)
    else found.set(label, { label, items: [i], order })
  }
  const rows = new RowNames(trace)
  const onThread: number[] = []
  for (let i = 0; i < stretches.count; i++) {
    const row = trace.tasks.row[stretches.task[i] as number] as number
    if (isWorkerRow(row)) put(rows.label(row), row, i)
    else onThread.push(i)
  }
  const [from, to] = [
    Float64Array.from(onThread, (i) => stretches.from[i] as number),
    Float64Array.from(onThread, (i) => stretches.to[i] as number),
  ]
  const lanes = layLanes(from, to)
  for (const [at, i] of onThread.entries()) {
    const lane = lanes.of[at] as number
    put(`slot ${lane + 1}`, lane - lanes.count, i)
  }
  return [...found.values()].sort((a, b) => a.order - b.order)
}

/** By pixel and group what is covered; neighbours that look the same become one bar. */
function drawLine(related: Related, stretches: Stretches, { label, items }: Line, number: number, groupOf: Int32Array): string {
  const { from, wallMs, trace } = related
  const plot = width - labelWidth
  const scale = wallMs > 0 ? plot / wallMs : 0
  const y = axisHeight + number * rowHeight
  const narrow = new Map<string, Float64Array>()
  const bars: string[] = []
  for (const i of items) {
    const task = stretches.task[i] as number
    const color = trace.tasks.state[task] === failed ? 'failed' : groupColor(groupOf[task] as number)
    const [x1, x2] = [((stretches.from[i] as number) - from) * scale, ((stretches.to[i] as number) - from) * scale]
    if (x2 - x1 >= 1) bars.push(bar(x1, x2, y, color, 1))
    else {
      let cover = narrow.get(color)
      if (!cover) narrow.set(color, (cover = new Float64Array(plot + 1)))
      ;(cover[Math.min(plot, Math.floor(x1))] as number) += x2 - x1
    }
  }
  for (const [color, cover] of narrow) bars.push(...coverBars(cover, color, y))
  return `<g><text x="4" y="${y + 13}">${escapeXml(clip(label, 16))}</text>${bars.join('')}</g>`
}

function coverBars(cover: Float64Array, color: string, y: number): string[] {
  const bars: string[] = []
  const step = (pixel: number): number => Math.ceil(Math.min(1, cover[pixel] ?? 0) * 8) / 8
  for (let x = 0; x < cover.length;) {
    const opacity = step(x)
    let end = x + 1
    while (end < cover.length && step(end) === opacity) end++
    if (opacity > 0) bars.push(bar(x, end, y, color, opacity))
    x = end
  }
  return bars
}

function bar(x1: number, x2: number, y: number, color: string, opacity: number): string {
  const paint = color === 'failed' ? 'class="failed"' : `fill="${color}"`
  const dim = opacity < 1 ? ` opacity="${opacity}"` : ''
  return `<rect x="${round(labelWidth + x1)}" y="${y + 2}" width="${round(x2 - x1)}" height="${rowHeight - 4}" ${paint}${dim}/>`
}

/** Lines at round times. */
function axis({ wallMs }: Related, lines: number): string {
  const step = roundStep(wallMs / ticksMax)
  const count = wallMs > 0 ? Math.floor(wallMs / step) : 0
  return Array.from({ length: count + 1 }, (_, i) => {
    const x = round(labelWidth + ((width - labelWidth) * i * step) / (wallMs || 1))
    const anchor = x > width - 30 ? 'end' : 'middle'
    return `<path class="line" opacity=".3" d="M${x} 18V${axisHeight + lines * rowHeight}"/><text class="faint" x="${x}" y="13" text-anchor="${anchor}">${i === 0 ? '0' : roundMs(i * step)}</text>`
  }).join('')
}

/** 1, 2 or 5 times a power of ten, at least so much. */
function roundStep(atLeast: number): number {
  if (!(atLeast > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(atLeast))
  return power * ([1, 2, 5].find((times) => times * power >= atLeast) ?? 10)
}

function roundMs(ms: number): string {
  const number = (value: number): string => String(Number(value.toPrecision(6)))
  return ms < 1 ? `${number(ms * 1_000)} µs` : ms < 1_000 ? `${number(ms)} ms` : `${number(ms / 1_000)} s`
}

/** The groups beside each other, as many as fit. */
function legend(groups: readonly number[], labels: readonly string[], anyFailed: boolean, y: number): string {
  const entries = groups.map((group): [paint: string, text: string] => [`fill="${groupColor(group)}"`, labels[group] ?? ''])
  if (anyFailed) entries.unshift(['class="failed"', 'failed'])
  let x = 4
  return entries
    .map(([paint, text]) => {
      const label = clip(text, legendLetters)
      const from = x
      x += 14 + textWidth(label) + 16
      if (x > width) return ''
      return `<rect x="${from}" y="${y - 10}" width="10" height="10" rx="2" ${paint}/><text x="${from + 14}" y="${y}">${escapeXml(label)}</text>`
    })
    .join('')
}

const round = (value: number): number => Math.round(value * 100) / 100
