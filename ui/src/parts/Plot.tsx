/** A small chart over time: lines or bars, with the values under the pointer in its caption. Charts of one page share the pointer. */
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { formatMs } from '../look/format.ts'
import { look } from '../look/look.ts'
import { palettes } from '../look/palette.ts'
import { theme } from '../state/theme.ts'
import { ticks } from '../time/scale.ts'
import { useSize, type Size } from './size.ts'

export interface PlotLine {
  readonly label: string
  readonly values: readonly (number | null)[]
  /** Place in the palette, or the colour of failures. */
  readonly colour: number | 'failed'
  readonly bars?: boolean
}

export interface PlotProps {
  readonly title: string
  readonly hint: string
  readonly format: (value: number) => string
  /** Milliseconds, ascending. */
  readonly at: readonly number[]
  readonly lines: readonly PlotLine[]
}

export function Plot(props: PlotProps) {
  const { title, hint, at: times, lines } = props
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const size = useSize(place)
  const tone = theme.value
  const pointed = useSignal<number | undefined>(undefined)
  const at = pointed.value
  const measured = lines.some(({ values }) => values.some((value) => value !== null))
  const data = [times, ...lines.map(({ values }) => values)] as uPlot.AlignedData

  useEffect(() => {
    const element = place.current
    if (!element || !measured) return
    plot.current = new uPlot(
      options(props, tone, size.peek(), (index) => (pointed.value = index)),
      data,
      element,
    )
    return () => {
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [tone, measured])
  useEffect(() => plot.current?.setData(data), [times])
  useSignalEffect(() => {
    const { width, height } = size.value
    if (width > 0 && height > 0) plot.current?.setSize({ width, height })
  })
  return (
    <figure>
      <figcaption title={hint}>
        <b>{title}</b>
        {lines.length === 1 && at === undefined && <span class="muted">{hint}</span>}
        {(lines.length > 1 || at !== undefined) &&
          lines.map(({ label, colour, values }) => (
            <span key={label} class="muted">
              <i class="swatch" style={{ background: colourOf(colour, tone) }} /> {label}
              {at !== undefined && <em>{valueAt(props, values[at])}</em>}
            </span>
          ))}
        {at !== undefined && <span class="when">{formatMs(times[at] ?? 0)}</span>}
      </figcaption>
      <div class="plot" ref={place}>
        {!measured && <p class="empty">not measured</p>}
      </div>
    </figure>
  )
}

const valueAt = ({ format }: PlotProps, value: number | null | undefined): string =>
  value === null || value === undefined ? ' –' : ` ${format(value)}`

const colourOf = (colour: PlotLine['colour'], tone: 'light' | 'dark'): string =>
  colour === 'failed' ? palettes[tone].failed : (palettes[tone].groups[colour] ?? palettes[tone].rest)

function options(
  { lines, format }: PlotProps,
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
      { ...axis, size: 58, gap: 4, space: 26, values: (_, splits) => splits.map(format) },
    ],
    series: [
      {},
      ...lines.map(({ label, colour, bars }): uPlot.Series => {
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
