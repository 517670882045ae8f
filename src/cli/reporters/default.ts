import { counted } from '../../base/counted.ts'
import { formatMs } from '../../base/duration.ts'
import type { Explanation, Recorder } from '../../trace/index.ts'
import { clipToWidth, displayWidth, padToWidth } from '../../base/display-width.ts'
import { type Paint, paint } from '../terminal/paint.ts'
import { type GroupProgress, Progress } from '../terminal/progress.ts'
import { type Outcome, writeReport } from './report-run.ts'
import { readableLine } from '../../base/readable.ts'
import { Window } from '../terminal/window.ts'
import type { Reporter } from './reporter.ts'

const everyMs = 100
/** The bar takes what the rest of the widest line leaves, within these bounds. */
const barMin = 8
const barMax = 24
const labelMax = 36

/** The window at the bottom of the terminal while the program runs, then the report. */
export class DefaultReporter implements Reporter {
  readonly #window = new Window(process.stderr, [process.stdout])
  #progress: Progress | undefined
  #recorder: Recorder | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #resized = (): void => this.#draw()

  begin(recorder: Recorder): void {
    this.#recorder = recorder
    this.#progress = new Progress(recorder)
    // Before the program is loaded, which may hold this thread: a person sees at once that something runs.
    this.#draw()
    this.#timer = setInterval(() => this.#draw(), everyMs).unref()
    process.stderr.on('resize', this.#resized)
  }

  end(explanation: Explanation, outcome: Outcome): void {
    clearInterval(this.#timer)
    process.stderr.off('resize', this.#resized)
    this.#window.close()
    writeReport(process.stderr, explanation, outcome)
  }

  #draw(): void {
    if (!this.#progress || !this.#recorder) return
    // A program that reads keys draws on the terminal itself.
    if (process.stdin.isTTY && process.stdin.isRaw) return this.#window.draw([])
    const groups = this.#progress.update()
    const lines = windowLines(groups, {
      paint: paint(process.stderr),
      rows: process.stderr.rows || 24,
      columns: process.stderr.columns || 80,
      name: readableLine(this.#recorder.meta().name),
      elapsedMs: this.#recorder.now(),
      ...this.#progress.machine(),
    })
    this.#window.draw(lines)
  }
}

export interface WindowState {
  readonly paint: Paint
  readonly rows: number
  readonly columns: number
  /** What is run. */
  readonly name: string
  readonly elapsedMs: number
  /** Workers that have just finished something. */
  readonly busyWorkers: number
  /** Cores in use, of how many. */
  readonly cores: readonly [number, number]
}

/** What the window shows: a line per group, those at work first, and a line for the whole. */
export function windowLines(groups: readonly GroupProgress[], state: WindowState): string[] {
  const { paint, rows, columns, name, elapsedMs, busyWorkers, cores } = state
  if (groups.length === 0) return [paint.dim(`${name} · ${formatMs(elapsedMs)}`)]
  const room = Math.max(1, rows - 4)
  const active = groups.filter((group) => group.active)
  const shown = [...active, ...groups.filter((group) => !group.active).reverse()].slice(0, room)
  const inOrder = groups.filter((group) => shown.includes(group))
  const { parts, bar } = fitted(inOrder, columns, paint)
  const failed = groups.reduce((sum, group) => sum + group.failed, 0)
  const [used, all] = cores
  const summary = [
    ...(failed > 0 ? [paint.red(`${failed} failed`)] : []),
    ...(groups.length > shown.length ? [`${groups.length - shown.length} more groups`] : []),
    ...(busyWorkers > 0 ? [`${busyWorkers} ${busyWorkers === 1 ? 'worker' : 'workers'} busy`] : []),
    `${used.toFixed(1)} of ${counted(all, 'core')}`,
    formatMs(elapsedMs),
  ]
  return [
    ...parts.map(
      ({ name: group, share, rest }) => `${group}${share === undefined || bar === 0 ? '' : ` ${bars(share, bar)}`} ${rest}`,
    ),
    paint.dim(lastOf(summary, columns - 1).join(' · ')),
  ]
}

/** Shorter says nothing. */
const labelMin = 8

/**
 * The counts come first; a narrow terminal costs the bar, then what else is said, then the end of the names.
 * @returns `bar` 0 where there is no room for one
 */
function fitted(groups: readonly GroupProgress[], columns: number, paint: Paint): { parts: GroupParts[]; bar: number } {
  const longest = Math.min(labelMax, Math.max(0, ...groups.map(({ label }) => displayWidth(label))))
  const shortest = Math.min(labelMin, longest)
  let parts: GroupParts[] = []
  for (const extras of [3, 2, 1, 0]) {
    const restOf = groups.map((group) => groupParts(group, 0, extras, paint).rest)
    const restWidth = Math.max(0, ...restOf.map(displayWidth))
    // The mark and two spaces, and a column that the window leaves free.
    const room = columns - restWidth - 4
    const width = Math.max(shortest, Math.min(longest, room))
    parts = groups.map((group) => groupParts(group, width, extras, paint))
    // Two columns for the bar's ends, one before it.
    const bar = Math.min(barMax, room - width - 3)
    if (bar >= barMin) return { parts, bar }
    if (width === longest || (extras === 0 && width <= room)) return { parts, bar: 0 }
  }
  return { parts, bar: 0 }
}

/** As many of the last parts as fit: the time, which stands last, always does. */
function lastOf(parts: readonly string[], columns: number): readonly string[] {
  let from = 0
  while (from < parts.length - 1 && displayWidth(parts.slice(from).join(' · ')) > columns) from++
  return parts.slice(from)
}

interface GroupParts {
  readonly name: string
  /** How much of it is done; undefined when nobody knows. */
  readonly share: number | undefined
  readonly rest: string
}

/** @param extras how many of: running, per second, time left */
function groupParts(group: GroupProgress, width: number, extras: number, { dim, green, red, cyan }: Paint): GroupParts {
  const { label, total, settled, failed, running, perSecond, leftMs, active } = group
  const mark = active ? cyan('▸') : failed > 0 ? red('✗') : green('✓')
  const name = padToWidth(clipToWidth(label, width), width)
  const count = total === undefined ? `${settled}` : `${settled}/${total}`
  const more = [
    ...(running > 0 && active ? [`${running} running`] : []),
    ...(active && perSecond >= 0.1 ? [`${rate(perSecond)}/s`] : []),
    ...(active && leftMs !== undefined ? [`${left(leftMs)} left`] : []),
  ].slice(0, extras)
  return {
    name: `${mark} ${name}`,
    share: total === undefined || total === 0 ? undefined : settled / total,
    rest: `${count}${failed > 0 ? red(` ${failed} failed`) : ''}${more.length > 0 ? dim(` ${more.join(' · ')}`) : ''}`,
  }
}

/** An estimate, so no more than a person would say. */
function left(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} m ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} m`
}

function rate(perSecond: number): string {
  if (perSecond >= 10_000) return `${(perSecond / 1_000).toFixed(0)} k`
  return perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1)
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const

function bars(share: number, columns: number): string {
  const filled = Math.round(Math.min(1, share) * columns * 8)
  const bar = '█'.repeat(Math.floor(filled / 8)) + eighths[filled % 8]
  return `▕${bar.padEnd(columns)}▏`
}
