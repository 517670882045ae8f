/** The fleet as an executor: each map is a run on it, and so are the direct calls of a function. */
import { hostname } from 'node:os'
import { clearInterval, clearTimeout, performance, queueMicrotask, setInterval, setTimeout } from '../../base/globals.js'
import type { Cancellation } from '../../base/abort.ts'
import { openRow } from '../../base/rows.ts'
import { Cancelled, Closed } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { BulkWork, CallOptions, Executor, FunctionRef, Reach } from '../../run/executor.ts'
import { sizesOf } from '../../run/sizes.ts'
import { ByTimeout } from '../../workers/host/by-timeout.ts'
import { DirectCalls } from '../../workers/host/direct-calls.ts'
import type { JobWork } from '../../workers/host/job.ts'
import type { BlobStore } from '../engine/blob-store.ts'
import { readClock } from '../engine/clock.ts'
import { removeJobs } from '../engine/remove-jobs.ts'
import type { Ended, Store } from '../engine/store.ts'
import { within } from '../engine/time-limit.ts'
import { NoWorkers } from '../protocol/errors.ts'
import { checkName, queueOf, shownModule } from '../naming/names.ts'
import { beatMs } from '../protocol/constants.ts'
import { Sizing } from '../protocol/sizing.ts'
import { Adoption } from './adoption.ts'
import { bound } from './bound.ts'
import { refuseAll } from './refuse-all.ts'
import { targetOf } from './target.ts'
import { quotaOf, type TenantQuota } from './quota.ts'
import { type FleetStatus, statusOf } from './status.ts'
import { QueueListener } from './queue-listener.ts'
import { RemoteRun } from './run.ts'
import type { RunHost, RunStart } from './run-host.ts'
import { Roster } from './roster.ts'

export interface FleetSettings {
  readonly name: string
  readonly tenant: string
  readonly space: string
  readonly weight: number
  readonly priority: 'high' | 'normal' | 'low'
  readonly lost: 'again' | 'fail' | undefined
  readonly patienceMs: number
  readonly blobs: BlobStore | undefined
  /** The part of the store that is another tenant's. */
  connect(tenant: string): Promise<Store>
}

/** What the record of a run says. */
export interface RunInfo {
  readonly host: string
  readonly pid: number
  readonly fn: string
  readonly queue: string
  readonly cancelled?: true
  /** Its client comes again where it was. */
  readonly kept?: true
}

/** Direct calls that come again within this time are the same run; chosen. */
const idleMs = 2_000
/** A store that is away when the fleet is closed is not waited for longer: workers remove what is left. */
const dropMs = 5_000
/** A trip through Redis and back, measured on two cores. */
const reach: Reach = { sharesMemory: false, remote: true, roundTripMs: 2 }

interface Calls {
  readonly work: DirectCalls
  run: RemoteRun | undefined
  idle: NodeJS.Timeout | undefined
}

/** Worker functions on every machine where `heddle worker` runs. Made by `bullmq()`. */
export class Fleet implements Executor {
  readonly name: string
  readonly reach = reach
  readonly #settings: FleetSettings
  readonly #store: Store
  readonly #roster: Roster
  readonly #lines = new Map<string, QueueListener>()
  readonly #runs = new Set<RemoteRun>()
  readonly #records = new Map<string, RunInfo>()
  readonly #sizings = new Map<string, Sizing>()
  readonly #calls = [new WeakMap<FunctionRef, ByTimeout<Calls>>(), new WeakMap<FunctionRef, ByTimeout<Calls>>()] as const
  readonly #rows = new Map<string, number>()
  readonly #prefix: string
  #numbers = 0
  #beat = 0
  #beating: NodeJS.Timeout | undefined
  #unwatch: (() => void) | undefined
  #control: Promise<Ended> | undefined
  #offsetMs: number
  #closing: Promise<void> | undefined
  #dropping: Promise<unknown> = Promise.resolve()
  #scheduled = false

  /** @internal */
  constructor(store: Store, settings: FleetSettings, offsetMs: number) {
    this.name = `fleet ${settings.name}`
    this.#store = store
    this.#settings = settings
    this.#offsetMs = offsetMs
    this.#roster = new Roster(store, () => this.#feed())
    this.#prefix = `${Date.now().toString(36)}${Math.floor(Math.random() * 36 ** 6).toString(36)}`
  }

  /** How many calls can run at once on the workers that are alive; 1 while there is none. */
  get slots(): number {
    return Math.max(1, this.#roster.slots)
  }

  /** @internal */
  async open(): Promise<void> {
    await this.#roster.look()
  }

  call(ref: FunctionRef, args: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    if (this.#closing) return Promise.reject(this.#closedError())
    const calls = this.#callsOf(ref, options)
    const result = calls.work.add(args, options)
    clearTimeout(calls.idle)
    try {
      calls.run ??= this.#start(ref, calls.work, options.again === true)
    } catch (error) {
      return Promise.reject(error as Error)
    }
    this.#feedSoon()
    return result
  }

  #callsOf(ref: FunctionRef, { timeoutMs = -1, again, onWaiting }: CallOptions): Calls {
    const kinds = this.#calls[again === true ? 1 : 0]
    let byTimeout = kinds.get(ref)
    if (!byTimeout) kinds.set(ref, (byTimeout = new ByTimeout()))
    const bounded = onWaiting !== undefined
    return byTimeout.get(timeoutMs, (idle) => {
      const calls: Calls = {
        run: undefined,
        idle: undefined,
        work: new DirectCalls(
          timeoutMs === -1 ? undefined : timeoutMs,
          (index, error) => calls.run?.giveUp(index, error),
          () => {
            idle()
            this.#restSoon(calls)
          },
          sizesOf(ref),
          { bounded },
        ),
      }
      return calls
    })
  }

  /** The run of calls ends when none have come for a while. */
  #restSoon(calls: Calls): void {
    clearTimeout(calls.idle)
    calls.idle = setTimeout(() => {
      if (!calls.run?.idle) return
      calls.run.end()
      calls.run = undefined
    }, idleMs)
    if (!this.#closing) calls.idle.unref()
  }

  bulk(ref: FunctionRef, work: BulkWork): void {
    const job = Object.assign(work, { spread: false }) as JobWork
    try {
      if (this.#closing) throw this.#closedError()
      const run = this.#start(ref, job, false)
      work.onMore(() => this.#feedSoon())
      run.feed()
    } catch (error) {
      refuseAll(job, error as Error)
    }
  }

  #start(ref: FunctionRef, work: JobWork, retried: boolean): RemoteRun {
    const { lost, space } = this.#settings
    const { module, fns } = targetOf(ref)
    const queue = queueOf(space, module)
    const line = this.#line(queue)
    const { resume } = work
    // Another build has other batches.
    const id = resume === undefined ? `${this.#prefix}-${this.#numbers++}` : `${resume}-${queue.slice(space.length + 1)}`
    const fn = fns.map(({ name }) => name).join(' → ')
    const info: RunInfo = { host: hostname(), pid: process.pid, fn, queue, ...(resume !== undefined && { kept: true }) }
    this.#records.set(id, info)
    this.#keepAlive()
    const ready = Promise.all([this.#store.prepare(queue), line.ready, this.#store.runs.put(id, info)]).then(
      async ([{ rate = Number.POSITIVE_INFINITY }]): Promise<RunStart> => ({
        adoption: resume === undefined ? undefined : await Adoption.look(this.#store, this.#settings.blobs, queue, id, fns),
        mostItems: Math.max(1, Math.floor(rate)),
      }),
    )
    const again = lost === undefined ? retried : lost === 'again'
    const key = `${queue} ${fn}`
    let sizing = this.#sizings.get(key)
    if (!sizing) this.#sizings.set(key, (sizing = new Sizing()))
    const run = new RemoteRun(id, this.#host, { fns, module, line, again }, work, sizing, ready)
    this.#runs.add(run)
    return run
  }

  get #host(): RunHost<RemoteRun> {
    const { weight, priority, patienceMs, blobs } = this.#settings
    const offset = (): number => this.#offsetMs
    return {
      store: this.#store,
      roster: this.#roster,
      blobs,
      weight,
      priority,
      patienceMs,
      get offsetMs() {
        return offset()
      },
      rowOf: (worker, slot) => this.#rowOf(worker, slot),
      ended: (run) => this.#ended(run),
    }
  }

  /** Rows of a trace: one for each slot of a worker. */
  #rowOf(worker: string, slot: number): number {
    const key = `${worker} ${slot}`
    let row = this.#rows.get(key)
    if (row === undefined) {
      const { host = '', pid } = this.#roster.workers.find(({ id }) => id === worker) ?? {}
      const name = pid === undefined ? worker : `process ${pid}`
      this.#rows.set(key, (row = openRow('remote', { machine: host, name: `${name}, slot ${slot + 1}` })))
    }
    return row
  }

  #line(queue: string): QueueListener {
    let line = this.#lines.get(queue)
    if (!line) this.#lines.set(queue, (line = new QueueListener(this.#store, queue)))
    return line
  }

  #ended(run: RemoteRun): void {
    this.#runs.delete(run)
    this.#records.delete(run.id)
    this.#dropping = Promise.all([this.#dropping, this.#drop(run)]).catch(() => {})
    if (this.#runs.size > 0) return
    clearInterval(this.#beating)
    this.#beating = undefined
    this.#unwatch?.()
    this.#unwatch = undefined
    void this.#control?.then((control) => control.end()).catch(() => {})
    this.#control = undefined
  }

  /** Nothing of a run that is over stays in the store. */
  async #drop(run: RemoteRun): Promise<void> {
    await run.begun
    await this.#lines.get(run.queue)?.flushed()
    // A batch may arrive after the run was given up.
    await run.flushed()
    if (run.leavesJobs) await removeJobs(this.#store, run.queue, run.id)
    await this.#store.runs.drop(run.id)
    await run.dropValues()
    await this.#store.tidy(run.queue)
    await this.#store.tidy(`${this.#settings.space}-runs`)
  }

  #keepAlive(): void {
    if (this.#beating) return
    this.#unwatch = this.#roster.watch()
    this.#control = this.#store.hear((message) => {
      if (message['type'] === 'cancel-run') this.#cancelled(String(message['run']))
    })
    this.#control.catch(() => {})
    this.#beating = setInterval(() => void this.#sayAlive(), beatMs)
  }

  async #sayAlive(): Promise<void> {
    this.#beat++
    for (const [id, info] of this.#records) {
      try {
        // Gone where somebody took this client for dead: it was stopped for a while.
        if (!(await this.#store.runs.beat(id, this.#beat)) && this.#records.has(id)) await this.#store.runs.put(id, info)
        const record = await this.#store.runs.get(id)
        if ((record?.data as RunInfo | undefined)?.cancelled) this.#cancelled(id)
      } catch {
        // The store cannot be reached: said again at the next beat.
      }
    }
    try {
      this.#offsetMs = (await readClock(this.#store)).offsetMs
    } catch {}
  }

  #cancelled(id: string): void {
    for (const run of this.#runs)
      if (run.id === id) run.refuse(() => new Cancelled(`The run ${id} was cancelled by "heddle fleet cancel"`))
  }

  #feedSoon(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#feed()
    })
  }

  #feed(): void {
    for (const run of this.#runs) run.feed()
  }

  /**
   * A worker function as one that runs on this fleet wherever it is called: in `all`, in a `guard`, by itself.
   *
   * @throws {InvalidOption} for any other function
   * @example
   * const remote = fleet.bind(entities)
   * const { a, b } = await all({ a: () => remote(first), b: () => remote(second) })
   */
  bind<F extends (...args: never[]) => Promise<unknown>>(fn: F): F {
    return bound(fn, this)
  }

  /** Waits until a worker that has the function is alive. */
  async warmUp(ref: FunctionRef, cancellation?: Cancellation): Promise<void> {
    if (this.#closing) throw this.#closedError()
    const { module } = targetOf(ref)
    const queue = queueOf(this.#settings.space, module)
    const until = performance.now() + this.#settings.patienceMs
    while (this.#roster.slotsOf(queue) === 0) {
      if (cancellation?.aborted) throw cancellation.reason
      if (performance.now() > until) throw new NoWorkers(`No worker of the fleet has ${shownModule(module)}`)
      await new Promise((resolve) => void setTimeout(resolve, 200))
      await this.#roster.look()
    }
  }

  /** Who is alive, and what waits: of this tenant. */
  status(): Promise<FleetStatus> {
    return statusOf(this.#store, this.#settings.name, this.#settings.tenant)
  }

  /**
   * What a tenant may have at once, from now on and for all programs; nothing removes the bounds. It needs an access to the store that may write that tenant's part.
   *
   * @throws {InvalidOption} for what is no quota
   * @example
   * await fleet.quota('acme', { concurrency: 64, rate: '500/s' })
   */
  async quota(tenant: string, quota: TenantQuota = {}): Promise<void> {
    checkOptions<TenantQuota>(quota, { concurrency: rules.any, rate: rules.any }, 'quota')
    const wanted = quotaOf(quota)
    const store = await this.#settings.connect(checkName(tenant, 'tenant'))
    try {
      await store.setQuota(wanted)
    } finally {
      await store.close()
    }
  }

  close({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#close(graceMs))
  }

  async #close(graceMs: number): Promise<void> {
    await undefined
    const until = performance.now() + graceMs
    while ([...this.#runs].some((run) => !run.idle) && performance.now() < until)
      await new Promise((resolve) => void setTimeout(resolve, Math.min(10, graceMs)))
    for (const run of this.#runs) {
      if (!run.idle) run.refuse(() => this.#closedError())
      run.end()
    }
    await within(dropMs, this.#dropping)
    await Promise.all([...this.#lines.values()].map((line) => line.end()))
    this.#roster.end()
    await this.#store.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #closedError(): Closed {
    return new Closed(`The executor "${this.name}" has been closed`)
  }
}
