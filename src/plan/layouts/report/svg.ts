/** Pictures: the time per token of layouts as stacked bars, and timelines of pipelines. Plain SVG, readable on light and on dark pages. */
import { type Term, termLabels, termNames, type Terms, totalOf } from '../cost/terms.ts'
import type { Timeline, TimelineTask } from '../timeline/pipeline.ts'

/** Told apart with any colour vision (Okabe and Ito 2008). */
const colors: Readonly<Record<Term, string>> = {
  computing: '#0072b2',
  weights: '#e69f00',
  cache: '#f0e442',
  allReduce: '#d55e00',
  allToAll: '#cc79a7',
  pipeline: '#999999',
  overhead: '#56b4e9',
}

export interface Bar {
  readonly label: string
  /** In seconds. */
  readonly terms: Terms
}

/** One bar per layout, its parts in the order of the legend. */
export function stackedSvg(bars: readonly Bar[], title: string): string {
  const [width, row, top] = [430, 26, 58]
  const left = Math.max(60, ...bars.map(({ label }) => 16 + label.length * 6.4))
  const longest = Math.max(Number.MIN_VALUE, ...bars.map(({ terms }) => totalOf(terms)))
  const used = termNames.filter((name) => bars.some(({ terms }) => terms[name] / longest > 0.002))
  const parts = bars.flatMap(({ label, terms }, i) => {
    const y = top + i * row
    let x = left
    const rects = used.map((name) => {
      const length = (terms[name] / longest) * width
      const rect = `<rect x="${n(x)}" y="${y}" width="${n(length)}" height="18" fill="${colors[name]}"><title>${escape(`${label}: ${termLabels[name]} ${seconds(terms[name])}`)}</title></rect>`
      x += length
      return rect
    })
    return [text(left - 8, y + 13, label, 'end'), ...rects, text(x + 6, y + 13, seconds(totalOf(terms)))]
  })
  let at = left
  const legend = used.flatMap((name, i) => {
    if (i === 4) at = left
    const place = [
      `<rect x="${at}" y="${i < 4 ? 22 : 38}" width="10" height="10" fill="${colors[name]}"/>`,
      text(at + 14, i < 4 ? 31 : 47, termLabels[name]),
    ]
    at += 30 + termLabels[name].length * 6.2
    return place
  })
  return svg(left + width + 80, top + bars.length * row + 8, [text(8, 14, title), ...legend, ...parts])
}

const kinds: Readonly<Record<TimelineTask['kind'], string>> = {
  forward: '#56b4e9',
  backward: '#009e73',
  hop: '#999999',
  exchange: '#d55e00',
  update: '#e69f00',
}

/** One row per stage; the critical path is outlined. */
export function timelineSvg({ tasks, seconds: end, idle, held, order }: Timeline): string {
  const [left, width, row, top] = [64, 760, 26, 30]
  const stages = Math.max(...tasks.map(({ stage }) => stage)) + 1
  const at = (time: number): number => left + (time / end) * width
  const rows = Array.from({ length: stages }, (_, stage) => text(8, top + stage * row + 15, `stage ${stage}`))
  const boxes = tasks
    .filter(({ kind }) => kind !== 'hop')
    .flatMap(({ kind, stage, microbatch, start, end: until, critical, name }) => {
      const [x, y] = [at(start), top + stage * row]
      const length = at(until) - x
      const box = `<rect x="${n(x)}" y="${y}" width="${n(Math.max(0.5, length - 0.5))}" height="21" fill="${kinds[kind]}"${critical ? ' stroke="#222" stroke-width="1.2"' : ''}><title>${escape(name)}</title></rect>`
      return microbatch === undefined || length < 9
        ? [box]
        : [
            box,
            `<text x="${n(x + length / 2)}" y="${y + 14}" text-anchor="middle" font-size="10" fill="#111">${microbatch}</text>`,
          ]
    })
  const title = `${order === 'gpipe' ? 'GPipe' : '1F1B'}: ${(idle * 100).toFixed(0)} % of the stages' time is idle, a stage holds up to ${held} microbatches`
  return svg(left + width + 12, top + stages * row + 8, [text(8, 16, title), ...rows, ...boxes])
}

function svg(width: number, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${n(width)} ${n(height)}" width="${n(width)}" height="${n(height)}" font-family="system-ui, sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`
}

function text(x: number, y: number, content: string, anchor: 'start' | 'end' = 'start'): string {
  return `<text x="${n(x)}" y="${n(y)}"${anchor === 'end' ? ' text-anchor="end"' : ''} fill="#222">${escape(content)}</text>`
}

function seconds(value: number): string {
  return value < 1 ? `${(value * 1e3).toPrecision(3)} ms` : `${value.toPrecision(3)} s`
}

const n = (value: number): string => String(Math.round(value * 10) / 10)
const escape = (value: string): string => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
