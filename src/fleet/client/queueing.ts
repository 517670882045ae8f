/** How long the batches of one run waited before a machine began them, by cause: said once, when the run is over, to whoever records. */
import { formatMs } from '../../base/duration.ts'
import { note } from '../../base/observer.ts'
import { type Done, type QueueCause, queueCauses } from '../protocol/message.ts'

export class Queueing {
  readonly #run: number
  readonly #name: string
  readonly #ms: Record<QueueCause, number> = { 'no-free-slot': 0, quota: 0, redelivery: 0, transfer: 0 }
  #batches = 0
  #workers = new Set<string>()

  /** @param run of the trace @param name of what it calls */
  constructor(run: number, name: string) {
    this.#run = run
    this.#name = name
  }

  note({ queuedMs, cause, worker }: Done): void {
    if (queuedMs === undefined || cause === undefined) return
    this.#batches++
    this.#workers.add(worker)
    this.#ms[cause] += queuedMs
  }

  end(): void {
    if (this.#batches === 0) return
    const parts = queueCauses.flatMap((cause) => (this.#ms[cause] > 0 ? [`${cause} ${formatMs(this.#ms[cause])}`] : []))
    const text = `${this.#batches} batches of "${this.#name}" on ${this.#workers.size} machines waited: ${parts.join(', ') || 'not at all'}`
    note('queueing', this.#run, text, { name: this.#name, batches: this.#batches, workers: this.#workers.size, ...this.#ms })
    this.#batches = 0
    this.#workers.clear()
    for (const cause of queueCauses) this.#ms[cause] = 0
  }
}
