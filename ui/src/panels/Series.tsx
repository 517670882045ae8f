/** Measures over time, small and side by side: one time axis for all, the same stretch that the panels are about. */
import { useEffect, useMemo } from 'preact/hooks'
import type { SeriesView } from '../../../src/dashboard/page.ts'
import { formatBytes, formatMs, formatShort } from '../look/format.ts'
import { Plot, type PlotLine } from '../parts/Plot.tsx'
import { asked } from '../state/asked.ts'
import { useModel } from '../state/context.ts'

interface Line extends Omit<PlotLine, 'values'> {
  readonly of: (view: SeriesView) => readonly (number | null)[]
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
        <Plot
          key={chart.title}
          title={chart.title}
          hint={chart.hint}
          format={chart.format}
          at={view.at}
          lines={chart.lines.map(({ of, ...line }) => ({ ...line, values: of(view) }))}
        />
      ))}
    </div>
  )
}
