import { counted } from '../../base/counted.ts'
import { formatMs } from '../../base/duration.ts'
import { type Explanation, type Recorder, runLabel } from '../../trace/index.ts'
import { type Outcome, writeReport } from './report-run.ts'
import { say } from '../terminal/say.ts'
import type { Reporter } from './reporter.ts'

/** Slow enough not to flood a log, fast enough to see that something moves. */
const everyMs = 500
/** Nobody reads more lines than this; the rest is counted. */
const linesMax = 200

/** Plain lines, never taken back: each top-level run when it begins and when it ends. For CI and for logs. */
export class StreamReporter implements Reporter {
  #recorder: Recorder | undefined
  #timer: NodeJS.Timeout | undefined
  #begun = 0
  #lines = 0
  #leftOut = 0
  readonly #open = new Set<number>()

  begin(recorder: Recorder): void {
    this.#recorder = recorder
    this.#timer = setInterval(() => this.#report(), everyMs).unref()
  }

  end(explanation: Explanation, outcome: Outcome): void {
    clearInterval(this.#timer)
    this.#report()
    if (this.#leftOut > 0) say(process.stderr, `… and ${this.#leftOut} more lines`)
    writeReport(process.stderr, explanation, outcome)
  }

  #report(): void {
    const trace = this.#recorder?.written()
    if (!trace) return
    const { runs } = trace
    for (; this.#begun < runs.count; this.#begun++) {
      if (runs.parentRun[this.#begun] !== 0 || runs.parentTask[this.#begun] !== 0) continue
      this.#open.add(this.#begun)
      // A run that is over already gets one line, not two.
      if ((runs.settledAt[this.#begun] as number) >= 0) continue
      const total = runs.total[this.#begun] as number
      this.#line(`▸ ${runLabel(trace, this.#begun)}${total >= 0 ? `: ${counted(total, 'task')}` : ''}`)
    }
    for (const run of this.#open) {
      const settledAt = runs.settledAt[run] as number
      if (settledAt < 0) continue
      this.#open.delete(run)
      this.#line(
        `${marks[runs.state[run] as number]} ${runLabel(trace, run)}: ${formatMs(settledAt - (runs.startedAt[run] as number))}`,
      )
    }
  }

  #line(text: string): void {
    if (++this.#lines <= linesMax) say(process.stderr, text)
    else this.#leftOut++
  }
}

/** By the number of the run's state. */
const marks = ['▸', '✓', '✗ failed:', '✗ cancelled:'] as const
