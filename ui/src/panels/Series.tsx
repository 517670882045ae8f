/** Measures over time, small and side by side: one time axis for all, the same stretch that the panels are about. */
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { SeriesView } from '../../../src/dashboard/page.ts'
import { formatBytes, formatMs, formatShort } from '../look/format.ts'
import { look } from '../look/look.ts'
import { palettes } from '../look/palette.ts'
import { useSize, type Size } from '../parts/size.ts'
import { asked } from '../state/asked.ts'
import { useModel } from '../state/context.ts'
import { theme } from '../state/theme.ts'
import { ticks } from '../time/scale.ts'

interface Line {
  readonly label: string
  readonly of: (view: SeriesView) => readonly (number | null)[]
  /** Place in the palette, or the colour of failures. */
  readonly colour: number | 'failed'
  readonly bars?: boolean
}

interface Chart {
  readonly title: string
  readonly hint: string
  readonly format: (value: number) => string
  readonly lines: readonly Line[]
}

const charts: readonly Chart[] = [
  {
    title: 'throughput',
    hint: 'tasks settled per second',
    format: (value) => `${formatShort(value)}/s`,
    lines: [{ label: 'settled', of: ({ throughput }) => throughput, colour: 0 }],
  },
  {
    title: 'at work and queued',
    hint: 'tasks, on average',
    format: formatShort,
    lines: [
      { label: 'at work', of: ({ running }) => running, colour: 2 },
      { label: 'queued', of: ({ queued }) => queued, colour: 1 },
    ],
  },
  {
    title: 'failures',
    hint: 'tasks that failed',
    format: (value) => (Number.isInteger(value) ? formatShort(value) : ''),
    lines: [{ label: 'failed', of: ({ failures }) => failures, colour: 'failed', bars: true }],
  },
  {
    title: 'event loop held',
    hint: 'how long at most',
    format: formatMs,
    lines: [{ label: 'held', of: ({ delayMs }) => delayMs, colour: 6 }],
  },
  {
    title: 'this thread and cores',
    hint: 'share of the time that the event loop was busy; cores in use',
    format: (value) => (Number.isInteger(value) ? String(value) : value.toFixed(2)),
    lines: [
      { label: 'busy', of: ({ busy }) => busy, colour: 3 },
      { label: 'cores', of: ({ cores }) => cores, colour: 4 },
    ],
  },
  {
    title: 'memory',
    hint: 'resident set',
    format: formatBytes,
    lines: [{ label: 'rss', of: ({ rssBytes }) => rssBytes, colour: 5 }],
  },
]

const points = 300

export function Series() {
  const model = useModel()
  const found = useMemo(
    () =>
      asked(
        () => (model.seen.value < 0 ? undefined : { version: model.seen.value, range: model.range.value ?? model.whole.value }),
        ({ range }) => model.source.series({ range, points }),
        (took) => (model.live.peek() ? Math.max(250, 3 * took) : 0),
      ),
    [model],
  )
  useEffect(() => () => found.stop(), [found])
  const view = found.value.value
  if (!view) return <p class="empty">Measuring …</p>
  return (
    <div class="series">
      {charts.map((chart) => (
        <Small key={chart.title} chart={chart} view={view} />
      ))}
    </div>
  )
}

function Small({ chart, view }: { readonly chart: Chart; readonly view: SeriesView }) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const size = useSize(place)
  const tone = theme.value
  const values = chart.lines.map(({ of }) => of(view))
  const pointed = useSignal<number | undefined>(undefined)
  const at = pointed.value
  const measured = values.some((list) => list.some((value) => value !== null))
  const data = [view.at, ...values] as uPlot.AlignedData

  useEffect(() => {
    const element = place.current
    if (!element || !measured) return
    plot.current = new uPlot(
      options(chart, tone, size.peek(), (index) => (pointed.value = index)),
      data,
      element,
    )
    return () => {
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [tone, measured])
  useEffect(() => plot.current?.setData(data), [view])
  useSignalEffect(() => {
    const { width, height } = size.value
    if (width > 0 && height > 0) plot.current?.setSize({ width, height })
  })
  return (
    <figure>
      <figcaption title={chart.hint}>
        <b>{chart.title}</b>
        {chart.lines.length === 1 && at === undefined && <span class="muted">{chart.hint}</span>}
        {(chart.lines.length > 1 || at !== undefined) &&
          chart.lines.map(({ label, colour }, i) => (
            <span key={label} class="muted">
              <i class="swatch" style={{ background: colourOf(colour, tone) }} /> {label}
              {at !== undefined && <em>{valueAt(chart, values[i]?.[at])}</em>}
            </span>
          ))}
        {at !== undefined && <span class="when">{formatMs(view.at[at] ?? 0)}</span>}
      </figcaption>
      <div class="plot" ref={place}>
        {!measured && <p class="empty">not measured</p>}
      </div>
    </figure>
  )
}

const valueAt = (chart: Chart, value: number | null | undefined): string =>
  value === null || value === undefined ? ' –' : ` ${chart.format(value)}`

const colourOf = (colour: Line['colour'], tone: 'light' | 'dark'): string =>
  colour === 'failed' ? palettes[tone].failed : (palettes[tone].groups[colour] ?? palettes[tone].rest)

function options(
  chart: Chart,
  tone: 'light' | 'dark',
  { width, height }: Size,
  onPoint: (index: number | undefined) => void,
): uPlot.Options {
  const { faint, grid, font } = look.value
  const axis = { stroke: faint, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } }
  return {
    width: Math.max(10, width),
    height: Math.max(10, height),
    legend: { show: false },
    hooks: { setCursor: [(plot) => onPoint(plot.cursor.idx ?? undefined)] },
    cursor: { sync: { key: 'heddle' }, y: false, points: { size: 5 }, drag: { x: false, y: false } },
    padding: [8, 10, 0, 0],
    scales: { x: { time: false }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] } },
    axes: [
      {
        ...axis,
        size: 22,
        gap: 2,
        splits: (plot, _, from, to) => ticks({ from, to }, plot.width, 90).map(({ at }) => at),
        values: (plot, splits) => {
          const { min, max } = plot.scales['x'] as { min: number; max: number }
          const marks = new Map(ticks({ from: min, to: max }, plot.width, 90).map(({ at, label }) => [at, label]))
          return splits.map((at) => marks.get(at) ?? '')
        },
      },
      { ...axis, size: 58, gap: 4, space: 26, values: (_, splits) => splits.map(chart.format) },
    ],
    series: [
      {},
      ...chart.lines.map(({ label, colour, bars }): uPlot.Series => {
        const stroke = colourOf(colour, tone)
        const bar = bars ? uPlot.paths.bars?.({ size: [0.9, 20, 2] }) : uPlot.paths.stepped?.({ align: 1 })
        return {
          label,
          stroke,
          width: 1.5,
          fill: bars ? stroke : `${stroke}1f`,
          points: { show: false },
          spanGaps: true,
          ...(bar && { paths: bar }),
        }
      }),
    ],
  }
}
