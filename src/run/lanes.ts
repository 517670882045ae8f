/**
 * Runs one function over a source with a bound on how many are under way: N lanes, each an endless loop that pulls an item,
 * awaits the function, and stores the result. A lane costs two promises per item, as a loop written by hand does.
 *
 * Two kinds of lane: the bare one pays for nothing but the call (and for a record while somebody observes), the full one goes
 * through `runTask` and pays for policies. Their loops begin alike and are written twice: what they share may wait, and as an async function of its own it
 * doubled the price of a trivial call (98 to 211 ns with 32 lanes, Node 20). Lanes come and go while the run is under way, because the bound may change (adaptive concurrency).
 *
 * Over an asynchronous source the next lane opens when an item has come and nobody waits for the one after it. So there are never more lanes than items
 * have come, and one: a bound of `Infinity` or of a million costs nothing until there are items for it. Over any source none opens while others
 * wait before they may pull.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { performance } from '../base/globals.js'
import { enterFrame, type Frame, type TaskContext } from '../base/frame.ts'
import {
  observedLanes,
  newTaskId,
  observed,
  type PlainLane,
  plainTaskSettled,
  recordOf,
  recordsObserved,
  type RunRecord,
  type TaskRecord,
  taskSettled,
  taskStarted,
} from '../base/observer.ts'
import type { AdaptiveConcurrency } from '../limits/adaptive.ts'
import { closeFrame, openFrame } from '../base/wait-graph.ts'
import type { Policy } from '../limits/policy.ts'
import { Yielding, tasksPerLook } from './yielding.ts'
import { type Group, GroupContext } from './group.ts'
import type { Collector } from './outcome.ts'
import { end, type Source } from './source.ts'
import { type RemoteCalls, Storing } from './storing.ts'
import { runTask } from './task.ts'

export type ItemFunction = (item: unknown, context: TaskContext) => unknown

export class Lanes {
  readonly #group: Group
  readonly #source: Source<unknown>
  readonly #fn: ItemFunction
  readonly #collector: Collector
  readonly #policy: Policy | undefined
  readonly #adaptive: AdaptiveConcurrency | undefined
  /** There as soon as the collector has taken its time with a result. */
  #storing: Storing | undefined
  #next = 0
  #exhausted = false
  #open = 0
  /** Lanes that wait for an item of an asynchronous source. */
  #pulling = 0
  #limit = 0
  /** Where lanes open: the context of a call that has just settled may have been changed by its function. */
  #around: (<T>(body: () => T) => T) | undefined
  #done: (() => void) | undefined
  readonly #yielding = new Yielding()

  constructor(
    group: Group,
    source: Source<unknown>,
    fn: ItemFunction,
    collector: Collector,
    policy: Policy | undefined,
    /** Learns the limit from how the items fare; without it the limit is what `run` is given. */
    adaptive?: AdaptiveConcurrency,
    /** Where `fn` calls a worker function. */
    remote?: RemoteCalls,
  ) {
    this.#group = group
    this.#source = source
    this.#fn = fn
    this.#collector = collector
    this.#policy = policy
    this.#adaptive = adaptive
    if (remote && collector.passing) this.#storing = new Storing(remote)
    const follow = (limit: number): void => this.setLimit(limit)
    if (adaptive) adaptive.onChange = follow
  }

  /** Runs until the source is exhausted or the group aborted, and nothing is under way. */
  run(limit: number): Promise<void> {
    return new Promise((resolve) => {
      this.#done = resolve
      if (this.#source.async || this.#adaptive) this.#around = AsyncLocalStorage.snapshot()
      this.setLimit(limit)
      if (this.#open === 0) resolve()
    })
  }

  /** How many may be under way from now on; those under way beyond it are let finish. */
  setLimit(limit: number): void {
    this.#limit = Math.min(limit, Math.max(1, this.#source.size))
    this.#openLanes()
  }

  /** Also asked by each lane that had to wait before it could pull: meanwhile none opens. */
  #openLanes(): void {
    while (this.#lacksLanes) this.#openLane()
  }

  /** Whether another lane would have something to do at once: one that only waits, as others do, would not show that no item is left. */
  get #lacksLanes(): boolean {
    if (this.#open >= this.#limit || this.#pulling > 0 || this.#exhausted || this.#group.aborted) return false
    return this.#yielding.pause === undefined && !this.#storing?.crowded
  }

  #openLane(): void {
    this.#open++
    const body = this.#policy ? runTask.name : this.#bareLane.name
    const frame = this.#group.frame((context) => `${this.#group.label()} item ${context.index}`, body)
    openFrame(frame)
    const records = !this.#policy && observed() ? new LaneRecords(this.#group, this.#source) : undefined
    const lane = this.#policy ? () => this.#fullLane(frame) : () => this.#bareLane(frame, records)
    const enter = (): Promise<void> => enterFrame(frame, lane)
    void (this.#around?.(enter) ?? enter()).then(() => {
      records?.close()
      closeFrame(frame)
      if (this.#open === 0) this.#done?.()
    })
  }

  async #bareLane(frame: Frame, records: LaneRecords | undefined): Promise<void> {
    const [group, source, fn, collector, adaptive] = [this.#group, this.#source, this.#fn, this.#collector, this.#adaptive]
    const yielding = this.#yielding
    let entered: Storing | undefined
    while (this.#stays(entered)) {
      if (this.#next % tasksPerLook === 0) yielding.look()
      if (yielding.pause) {
        await yielding.pause
        records?.waited()
        this.#openLanes()
      }
      entered = this.#storing
      const place = entered?.enter()
      if (place) {
        await place
        records?.waited()
        if (group.aborted) continue
        this.#openLanes()
      }
      const item = source.async ? await this.#pullAsync() : this.#pull()
      if (item === end) return this.#leave(entered)
      const index = this.#next++
      const skipped = collector.skips?.(index, item)
      if (skipped) {
        if (skipped !== true) await skipped
        continue
      }
      const context = new GroupContext(group, index)
      frame.context = context
      const ticket = adaptive ? adaptive.start() : 0
      records?.start(frame, index)
      let value: unknown
      try {
        value = await fn(item, context)
        context.close()
        records?.done()
      } catch (error) {
        context.close()
        records?.failed(group.aborted ? 'cancelled' : 'failed', error)
        adaptive?.settled(ticket, error)
        this.#failed(index, item, error)
        continue
      }
      adaptive?.settle(ticket, false)
      try {
        const stored = collector.succeed(index, value)
        if (stored) {
          await (this.#storing ??= new Storing()).stored(value, stored)
          records?.waited()
        }
      } catch (error) {
        this.#failed(index, item, error)
      }
    }
  }

  /** Asked before each item; the one before is done with. */
  #stays(entered: Storing | undefined): boolean {
    if (this.#group.aborted || this.#open > this.#limit) {
      this.#leave(entered)
      return false
    }
    entered?.left()
    return true
  }

  /** Counted at once, not when the lane's promise settles: else all lanes would leave when one is too many. */
  #leave(entered: Storing | undefined): void {
    this.#open--
    entered?.left()
  }

  async #fullLane(frame: Frame): Promise<void> {
    const [group, source, collector, policy] = [this.#group, this.#source, this.#collector, this.#policy]
    const yielding = this.#yielding
    const fn = this.#adaptive ? measured(this.#fn, this.#adaptive) : this.#fn
    let entered: Storing | undefined
    while (this.#stays(entered)) {
      if (this.#next % tasksPerLook === 0) yielding.look()
      if (yielding.pause) {
        await yielding.pause
        this.#openLanes()
      }
      entered = this.#storing
      const place = entered?.enter()
      if (place) {
        await place
        if (group.aborted) continue
        this.#openLanes()
      }
      const item = source.async ? await this.#pullAsync() : this.#pull()
      if (item === end) return this.#leave(entered)
      const index = this.#next++
      const skipped = collector.skips?.(index, item)
      if (skipped) {
        if (skipped !== true) await skipped
        continue
      }
      try {
        const value = await runTask({ group, index, policy, frame, args: [item] }, (context) => fn(item, context))
        const stored = collector.succeed(index, value)
        if (stored) await (this.#storing ??= new Storing()).stored(value, stored)
      } catch (error) {
        this.#failed(index, item, error)
      }
    }
  }

  #pull(): unknown {
    try {
      const item = this.#source.pull()
      if (item === end) this.#exhausted = true
      return item
    } catch (error) {
      return this.#sourceFailed(error)
    }
  }

  async #pullAsync(): Promise<unknown> {
    this.#pulling++
    try {
      const item = await this.#source.pull()
      this.#pulling--
      if (item === end) this.#exhausted = true
      else if (this.#lacksLanes) this.#openLane()
      return this.#group.aborted ? end : item
    } catch (error) {
      this.#pulling--
      return this.#sourceFailed(error)
    }
  }

  #sourceFailed(error: unknown): typeof end {
    this.#exhausted = true
    this.#group.fail(error, 'source')
    return end
  }

  #failed(index: number, item: unknown, error: unknown): void {
    if (!this.#collector.fail(index, item, error)) this.#group.fail(error, index)
  }
}

/**
 * Reports the tasks of one lane. Most of the price of recording is here, so a lane reads the clock once per task where nothing lies
 * between the end of one task and the start of the next, and makes a record only for a task that failed, or for subscribers who want them all.
 */
class LaneRecords implements PlainLane {
  readonly run: RunRecord
  id = 0
  index = 0
  startedAt = 0
  settledAt = 0
  underWay = false
  readonly #instant: boolean
  /** The global is a getter, which costs a fifth of a reading. */
  readonly #clock = performance
  #record: TaskRecord | undefined
  /** Whether the next task begins at the moment at which the last one ended. */
  #free = false

  constructor(group: Group, source: Source<unknown>) {
    this.run = group.record
    this.#instant = source.slice !== undefined
    observedLanes.add(this)
  }

  close(): void {
    observedLanes.delete(this)
  }

  start(frame: Frame, index: number): void {
    this.startedAt = this.#free ? this.settledAt : this.#clock.now()
    this.index = index
    this.id = frame.task = newTaskId()
    this.underWay = true
    this.#record = undefined
    if (!recordsObserved()) return
    this.#record = recordOf(this)
    taskStarted(this.#record, this.startedAt)
  }

  done(): void {
    this.#ended()
    if (this.#record) taskSettled(this.#record, this.settledAt, 'done')
    else plainTaskSettled(this)
  }

  failed(state: 'failed' | 'cancelled', error: unknown): void {
    const record = this.#record ?? recordOf(this)
    this.#ended()
    taskSettled(record, this.settledAt, state, error)
  }

  /** The lane has waited since its last task ended. */
  waited(): void {
    this.#free = false
  }

  #ended(): void {
    this.settledAt = this.#clock.now()
    this.#free = this.#instant
    this.underWay = false
  }
}

/** Reports each attempt to the controller; a pause between two attempts is not under way. */
export function measured(fn: ItemFunction, adaptive: AdaptiveConcurrency): ItemFunction {
  return async (item, context) => {
    const ticket = adaptive.start()
    try {
      const value = await fn(item, context)
      adaptive.settle(ticket, false)
      return value
    } catch (error) {
      adaptive.settled(ticket, error)
      throw error
    }
  }
}
