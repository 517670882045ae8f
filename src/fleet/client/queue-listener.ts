/** What one client hears of one queue: events bring outcomes at once, and it asks now and then for those of which it has heard nothing. */
import { clearInterval, performance, setImmediate, setInterval } from '../../base/globals.js'
import type { Ended, Store } from '../engine/store.ts'
import { within } from '../engine/time-limit.ts'

export interface Awaiting {
  outcome(text: string): void
  failed(reason: string): void
  missing(): void
  /** A worker has it; it waits again. */
  begun(): void
  waitsAgain(): void
}

/** A store that is away is not waited for longer. */
const endMs = 2_000

export class QueueListener {
  readonly queue: string
  readonly #store: Store
  readonly #awaited = new Map<string, { readonly awaiting: Awaiting; readonly keeps: boolean; askAt: number }>()
  readonly #opened: Promise<Ended>
  readonly #timer: NodeJS.Timeout
  #asking = false
  #ended: string[] = []
  #forgetting: Promise<void> = Promise.resolve()
  #scheduled = false

  constructor(store: Store, queue: string) {
    this.#store = store
    this.queue = queue
    const of = (id: string): Awaiting | undefined => this.#awaited.get(id)?.awaiting
    this.#opened = store.listen(queue, {
      done: (id, text) => this.#settle(id, (awaiting) => awaiting.outcome(text)),
      active: (id) => of(id)?.begun(),
      waiting: (id) => of(id)?.waitsAgain(),
    })
    this.#opened.catch(() => {})
    this.#timer = setInterval(() => void this.#ask(), store.askAfterMs / 4)
    this.#timer.unref()
  }

  /** Before the first job is added. */
  get ready(): Promise<unknown> {
    return this.#opened
  }

  /**
   * Its state is asked for when the store is known to have it: a job that is still on its way would count as gone.
   *
   * @param options `there`: the store has it; `keeps`: whoever waits removes it, when the outcome is safe
   */
  await(id: string, awaiting: Awaiting, { there = false, keeps = false }: { there?: boolean; keeps?: boolean } = {}): void {
    this.#awaited.set(id, { awaiting, keeps, askAt: there ? 0 : Number.POSITIVE_INFINITY })
  }

  /** The store has taken them. */
  added(ids: readonly string[]): void {
    const askAt = performance.now() + this.#store.askAfterMs
    for (const id of ids) {
      const entry = this.#awaited.get(id)
      if (entry) entry.askAt = askAt
    }
  }

  /** Nothing more is wanted of a job; it is removed once it is done. */
  leave(id: string): void {
    this.#awaited.delete(id)
  }

  #settle(id: string, tell: (awaiting: Awaiting) => void): void {
    const entry = this.#awaited.get(id)
    if (!entry) return
    this.#awaited.delete(id)
    if (!entry.keeps) this.remove(id)
    tell(entry.awaiting)
  }

  /** Removes a job that is done, with others of the same turn. */
  remove(id: string): void {
    this.#ended.push(id)
    if (this.#scheduled) return
    this.#scheduled = true
    this.#forgetting = this.#forgetting
      .then(() => new Promise<void>((resolve) => void setImmediate(resolve)))
      .then(async () => {
        this.#scheduled = false
        await this.#store.forget(this.queue, this.#ended.splice(0))
      })
      .catch(() => {})
  }

  async #ask(): Promise<void> {
    if (this.#asking) return
    const now = performance.now()
    const ids = [...this.#awaited].filter(([, { askAt }]) => askAt <= now).map(([id]) => id)
    if (ids.length === 0) return
    this.#asking = true
    try {
      const states = await this.#store.states(this.queue, ids)
      const next = performance.now() + this.#store.askAfterMs
      for (const [i, { state, text = '' }] of states.entries()) {
        const id = ids[i] as string
        const entry = this.#awaited.get(id)
        if (!entry) continue
        entry.askAt = next
        if (state === 'done') this.#settle(id, (awaiting) => awaiting.outcome(text))
        else if (state === 'failed') this.#settle(id, (awaiting) => awaiting.failed(text))
        else if (state === 'missing') this.#settle(id, (awaiting) => awaiting.missing())
      }
    } catch {
      // The store cannot be reached: asked again in a second.
    } finally {
      this.#asking = false
    }
  }

  /** Waits until everything that is done has been removed. */
  async flushed(): Promise<void> {
    await this.#forgetting
  }

  async end(): Promise<void> {
    clearInterval(this.#timer)
    await within(endMs, this.#forgetting)
    await this.#opened.then((events) => events.end()).catch(() => {})
  }
}
