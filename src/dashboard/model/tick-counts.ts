/** Tasks by state of a growing trace, counted as they come: each row once, however often it is asked. */
import type { TraceDecoder } from '../../trace/format/decode.ts'
import { runStates, taskStates } from '../../trace/model/trace.ts'
import type { Counts } from '../protocol.ts'
import { noCounts } from './counts.ts'

const underWay = runStates.indexOf('running')
const runningState = taskStates.indexOf('running')

export class TickCounts {
  readonly #decoder: TraceDecoder
  readonly #settled = noCounts()
  /** Tasks that were recorded, by id of their run. */
  readonly #seen = new Map<number, number>()
  #counted = 0

  constructor(decoder: TraceDecoder) {
    this.#decoder = decoder
  }

  update(): Counts {
    const { tasks } = this.#decoder.tables
    const { state, run } = tasks.columns
    for (; this.#counted < tasks.count; this.#counted++) {
      this.#settled[nameOf(state[this.#counted] as number)]++
      const id = run[this.#counted] as number
      this.#seen.set(id, (this.#seen.get(id) ?? 0) + 1)
    }
    const counts = { ...this.#settled }
    const { open } = this.#decoder
    const openOf = new Map<number, number>()
    if (!this.#decoder.complete) {
      for (let i = 0; i < open.count; i++) {
        counts[nameOf(open.state[i] as number)]++
        openOf.set(open.run[i] as number, (openOf.get(open.run[i] as number) ?? 0) + 1)
      }
      counts.waiting += this.#toCome(openOf)
    }
    return counts
  }

  #toCome(openOf: ReadonlyMap<number, number>): number {
    const { columns, count } = this.#decoder.tables.runs
    let sum = 0
    for (let i = 0; i < count; i++) {
      const total = columns.total[i] as number
      if (columns.state[i] !== underWay || !(total > 0) || !Number.isFinite(total)) continue
      const id = columns.id[i] as number
      sum += Math.max(0, total - (this.#seen.get(id) ?? 0) - (openOf.get(id) ?? 0))
    }
    return sum
  }
}

function nameOf(state: number): keyof Counts {
  const name = taskStates[state]
  return name === 'done' || name === 'failed' || name === 'cancelled' ? name : state === runningState ? 'running' : 'ready'
}
