import { formatMs } from '../../base/duration.ts'
import type { Explanation, Recorder } from '../../trace/index.ts'
import { displayWidth, padToWidth } from '../display-width.ts'
import { type Paint, paint } from '../paint.ts'
import { type GroupProgress, Progress } from '../progress.ts'
import { type Outcome, writeReport } from '../report-run.ts'
import { Window } from '../window.ts'
import type { Reporter } from './reporter.ts'

const everyMs = 100
/** The first picture comes sooner, so that a person sees at once that something runs. */
const firstMs = 40
const barColumns = 24
const labelMax = 36

/** The window at the bottom of the terminal while the program runs, then the report. */
export class DefaultReporter implements Reporter {
  readonly #window = new Window(process.stderr, [process.stdout])
  #progress: Progress | undefined
  #recorder: Recorder | undefined
  #first: NodeJS.Timeout | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #resized = (): void => this.#draw()

  begin(recorder: Recorder): void {
    this.#recorder = recorder
    this.#progress = new Progress(recorder)
    this.#first = setTimeout(() => this.#draw(), firstMs).unref()
    this.#timer = setInterval(() => this.#draw(), everyMs).unref()
    process.stderr.on('resize', this.#resized)
  }

  end(explanation: Explanation, outcome: Outcome): void {
    clearTimeout(this.#first)
    clearInterval(this.#timer)
    process.stderr.off('resize', this.#resized)
    this.#window.close()
    writeReport(process.stderr, explanation, outcome)
  }

  #draw(): void {
    if (!this.#progress || !this.#recorder) return
    // A program that reads keys draws on the terminal itself.
    if (process.stdin.isTTY && process.stdin.isRaw) return this.#window.draw([])
    const lines = windowLines(this.#progress.update(), {
      paint: paint(process.stderr),
      rows: process.stderr.rows || 24,
      elapsedMs: this.#recorder.now(),
    })
    this.#window.draw(lines)
  }
}

export interface WindowState {
  readonly paint: Paint
  readonly rows: number
  readonly elapsedMs: number
}

/** What the window shows: a line per group, those at work first, and a line for the whole. */
export function windowLines(groups: readonly GroupProgress[], { paint, rows, elapsedMs }: WindowState): string[] {
  const room = Math.max(1, rows - 4)
  const active = groups.filter((group) => group.active)
  const shown = [...active, ...groups.filter((group) => !group.active).reverse()].slice(0, room)
  const inOrder = groups.filter((group) => shown.includes(group))
  const width = Math.min(labelMax, Math.max(0, ...inOrder.map(({ label }) => displayWidth(label))))
  const failed = groups.reduce((sum, group) => sum + group.failed, 0)
  const summary = [
    ...(failed > 0 ? [paint.red(`${failed} failed`)] : []),
    ...(groups.length > shown.length ? [`${groups.length - shown.length} more groups`] : []),
    formatMs(elapsedMs),
  ]
  return [...inOrder.map((group) => groupLine(group, width, paint)), paint.dim(summary.join(' · '))]
}

function groupLine(group: GroupProgress, width: number, { dim, green, red, cyan }: Paint): string {
  const { label, total, settled, failed, running, perSecond, leftMs, active } = group
  const mark = active ? cyan('▸') : failed > 0 ? red('✗') : green('✓')
  const name = padToWidth(displayWidth(label) > labelMax ? `${label.slice(0, labelMax - 1)}…` : label, width)
  const count = total === undefined ? `${settled}` : `${settled}/${total}`
  const more = [
    ...(running > 0 && active ? [`${running} running`] : []),
    ...(active && perSecond >= 0.1 ? [`${rate(perSecond)}/s`] : []),
    ...(active && leftMs !== undefined ? [`${formatMs(leftMs)} left`] : []),
  ]
  const bar = total === undefined || total === 0 ? '' : ` ${bars(settled / total)}`
  return `${mark} ${name}${bar} ${count}${failed > 0 ? red(` ${failed} failed`) : ''}${more.length > 0 ? dim(` ${more.join(' · ')}`) : ''}`
}

function rate(perSecond: number): string {
  if (perSecond >= 10_000) return `${(perSecond / 1_000).toFixed(0)} k`
  return perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1)
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const

function bars(share: number): string {
  const filled = Math.round(Math.min(1, share) * barColumns * 8)
  const bar = '█'.repeat(Math.floor(filled / 8)) + eighths[filled % 8]
  return `▕${bar.padEnd(barColumns)}▏`
}
