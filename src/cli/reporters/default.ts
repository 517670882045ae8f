import { formatMs } from '../../base/duration.ts'
import type { Explanation, Recorder } from '../../trace/index.ts'
import { displayWidth, padToWidth } from '../display-width.ts'
import { type Paint, paint } from '../paint.ts'
import { type GroupProgress, Progress } from '../progress.ts'
import { type Outcome, writeReport } from '../report-run.ts'
import { Window } from '../window.ts'
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
      name: this.#recorder.meta().name,
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
  const width = Math.min(labelMax, Math.max(0, ...inOrder.map(({ label }) => displayWidth(label))))
  const parts = inOrder.map((group) => groupParts(group, width, paint))
  const widest = Math.max(0, ...parts.map((part) => displayWidth(part.name) + displayWidth(part.rest)))
  // Two columns for the bar's ends, one before the rest, one that the window leaves free.
  const bar = Math.min(barMax, Math.max(barMin, columns - widest - 5))
  const failed = groups.reduce((sum, group) => sum + group.failed, 0)
  const [used, all] = cores
  const summary = [
    ...(failed > 0 ? [paint.red(`${failed} failed`)] : []),
    ...(groups.length > shown.length ? [`${groups.length - shown.length} more groups`] : []),
    ...(busyWorkers > 0 ? [`${busyWorkers} ${busyWorkers === 1 ? 'worker' : 'workers'} busy`] : []),
    `${used.toFixed(1)} of ${all} cores`,
    formatMs(elapsedMs),
  ]
  return [
    ...parts.map(({ name: group, share, rest }) => `${group}${share === undefined ? '' : ` ${bars(share, bar)}`} ${rest}`),
    paint.dim(summary.join(' · ')),
  ]
}

interface GroupParts {
  readonly name: string
  /** How much of it is done; undefined when nobody knows. */
  readonly share: number | undefined
  readonly rest: string
}

function groupParts(group: GroupProgress, width: number, { dim, green, red, cyan }: Paint): GroupParts {
  const { label, total, settled, failed, running, perSecond, leftMs, active } = group
  const mark = active ? cyan('▸') : failed > 0 ? red('✗') : green('✓')
  const name = padToWidth(displayWidth(label) > labelMax ? `${label.slice(0, labelMax - 1)}…` : label, width)
  const count = total === undefined ? `${settled}` : `${settled}/${total}`
  const more = [
    ...(running > 0 && active ? [`${running} running`] : []),
    ...(active && perSecond >= 0.1 ? [`${rate(perSecond)}/s`] : []),
    ...(active && leftMs !== undefined ? [`${left(leftMs)} left`] : []),
  ]
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
