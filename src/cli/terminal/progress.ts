/** How far a running program is, by group: what the window shows, counted up from the recording a few times a second. */
import { runLabel, type Recorder } from '../../trace/index.ts'
import { isWorkerRow } from '../../trace/processor/rows.ts'

export interface GroupProgress {
  readonly label: string
  /** Undefined when some run does not know its own. */
  readonly total: number | undefined
  readonly settled: number
  readonly failed: number
  /** Under way on this thread; what workers have is known when it comes back. */
  readonly running: number
  /** Over the last seconds. */
  readonly perSecond: number
  /** Undefined when nothing can be said. */
  readonly leftMs: number | undefined
  readonly active: boolean
}

interface Counts {
  total: number | undefined
  settled: number
  failed: number
  running: number
  openRuns: number
  /** Pairs of time and number settled, the last few seconds of them. */
  readonly history: [number, number][]
}

const failedState = 3
/** Long enough to be steady, short enough to follow. */
const rateMs = 3_000
/** A worker that has finished nothing for so long, as far as is known, is not called busy. */
const busyMs = 1_000

export class Progress {
  readonly #recorder: Recorder
  readonly #groups = new Map<string, Counts>()
  readonly #groupOfRun = new Map<number, Counts>()
  readonly #openRuns = new Set<number>()
  /** When each worker last finished a task. */
  readonly #lastOnWorker = new Map<number, number>()
  #runs = 0
  #tasks = 0

  constructor(recorder: Recorder) {
    this.#recorder = recorder
    recorder.beforeSpill = () => void this.update()
  }

  /** The groups in order of appearance. */
  update(): GroupProgress[] {
    const trace = this.#recorder.written()
    const now = this.#recorder.now()
    for (; this.#runs < trace.runs.count; this.#runs++) {
      const counts = this.#group(runLabel(trace, this.#runs))
      const total = trace.runs.total[this.#runs] as number
      counts.total = total < 0 || counts.total === undefined ? undefined : counts.total + total
      this.#groupOfRun.set(trace.runs.id[this.#runs] as number, counts)
      this.#openRuns.add(this.#runs)
      counts.openRuns++
    }
    const { spilled } = this.#recorder
    this.#tasks -= spilled
    for (; this.#tasks < trace.tasks.count; this.#tasks++) {
      const counts = this.#groupOfRun.get(trace.tasks.run[this.#tasks] as number)
      const state = trace.tasks.state[this.#tasks]
      if (counts) counts.settled++
      if (counts && state === failedState) counts.failed++
      const row = trace.tasks.row[this.#tasks] as number
      if (isWorkerRow(row)) this.#lastOnWorker.set(row, now)
    }
    const { plain } = this.#recorder
    for (const { run, count, row } of plain.stretchesFrom(this.#tasks - trace.tasks.count)) {
      const counts = this.#groupOfRun.get(run.id)
      if (counts) counts.settled += count
      if (isWorkerRow(row) && count > 0) this.#lastOnWorker.set(row, now)
      this.#tasks += count
    }
    this.#tasks += spilled
    for (const counts of this.#groups.values()) counts.running = 0
    for (const task of this.#recorder.open.list()) {
      const counts = this.#groupOfRun.get(task.run.id)
      if (counts && task.state === 'running') counts.running++
    }
    for (const run of this.#openRuns) {
      if ((trace.runs.settledAt[run] as number) < 0) continue
      this.#openRuns.delete(run)
      const counts = this.#groupOfRun.get(trace.runs.id[run] as number)
      if (counts) counts.openRuns--
    }
    return [...this.#groups].map(([label, counts]) => progressOf(label, counts, now))
  }

  /** The load of the machine, as of the last update. */
  machine(): { busyWorkers: number; cores: [used: number, all: number] } {
    const { samples } = this.#recorder.tables
    const since = this.#recorder.now() - busyMs
    const used = samples.count > 0 ? (samples.columns.cores[samples.count - 1] as number) : 0
    return {
      busyWorkers: [...this.#lastOnWorker.values()].filter((at) => at > since).length,
      cores: [used, this.#recorder.meta().cores],
    }
  }

  #group(label: string): Counts {
    let counts = this.#groups.get(label)
    if (!counts) this.#groups.set(label, (counts = { total: 0, settled: 0, failed: 0, running: 0, openRuns: 0, history: [] }))
    return counts
  }
}

function progressOf(label: string, counts: Counts, now: number): GroupProgress {
  const { history, total, settled, failed, running } = counts
  history.push([now, settled])
  while (history.length > 2 && (history[1] as [number, number])[0] < now - rateMs) history.shift()
  const [since, before] = history[0] as [number, number]
  const perSecond = now > since ? ((settled - before) / (now - since)) * 1_000 : 0
  const leftMs = total !== undefined && perSecond > 0 && settled < total ? ((total - settled) / perSecond) * 1_000 : undefined
  return { label, total, settled, failed, running, perSecond, leftMs, active: counts.openRuns > 0 }
}
