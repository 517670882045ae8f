/** What the fleet needs of a queue: all that clients and workers know of the store behind it. Names of queues and records are those of one tenant. */

export interface JobState {
  readonly state: 'open' | 'done' | 'failed' | 'missing'
  /** What the worker gave; why it failed. */
  readonly text?: string
}

/** A record that its owner keeps alive: of a run, of a worker. */
export interface LiveRecord {
  readonly id: string
  readonly data: unknown
  /** Changes for as long as the owner lives. */
  readonly beat: number
}

export interface Book {
  put(id: string, data: unknown): Promise<void>
  /** Undefined where there is none. */
  get(id: string): Promise<LiveRecord | undefined>
  /** False where there is none any more. */
  beat(id: string, beat: number): Promise<boolean>
  list(): Promise<LiveRecord[]>
  drop(id: string): Promise<void>
}

/** What a tenant may have at once; nothing: as much as there is. */
export interface Quota {
  /** Batches of each queue. */
  readonly concurrency?: number
  /** Items a second, of all queues together. */
  readonly rate?: number
}

export interface Ended {
  end(): Promise<void>
}

export interface FetchedJob {
  readonly id: string
  readonly data: unknown
  /** How often its lock has run out. */
  readonly stalls: number
  /** Another one each time that somebody fetches it. */
  readonly attempt: number
  /** How often its lock had run out when a machine last began it alone; undefined where none has. */
  readonly aloneAt: number | undefined
  /** Notes that it begins alone now, for whoever gets it next. */
  beginsAlone(): Promise<void>
  /** When the store was asked for it, in milliseconds of `performance.now()`. */
  readonly fetchedAt: number
}

/** What becomes of a fetched job: its text is kept until its client takes it, or not at all; or somebody else is to have it. */
export type JobEnd = { readonly keep: string } | 'forget' | 'give-back'

export interface FetcherEvents {
  handle(job: FetchedJob): Promise<JobEnd>
  /** Locks were renewed; asked for at `sentAt`. */
  renewed(ids: readonly string[], sentAt: number): void
  /** Locks are somebody else's. */
  lost(ids: readonly string[]): void
  failed(error: Error): void
}

export interface Fetcher {
  concurrency: number
  /**
   * Gives batches back that this worker owns and never heard of: the store had handed them out, and the answer was lost with a connection. Only those that an
   * earlier look has found too: an answer may be on its way.
   */
  giveBackStrays(known: (id: string) => boolean): Promise<number>
  /** Fetches nothing more, until {@link resume}. */
  pause(): Promise<void>
  resume(): void
  /** After {@link pause}, and when what is under way has ended; `now`: without waiting for that. */
  close(now: boolean): Promise<void>
}

export interface Store {
  /** Locks run out by the clock of the store. Otherwise by those of the workers, which must then agree with it. */
  readonly locksByOwnClock: boolean
  /** After how long without an event of a job its state is asked for: where events are lost more often, sooner. */
  readonly askAfterMs: number
  /** Its clock, in milliseconds since 1970. */
  now(): Promise<number>
  /** What is set so that work could be lost, in words with their mend. */
  preflight(): Promise<string[]>
  /** Of the tenant. */
  quota(): Promise<Quota>
  setQuota(quota: Quota): Promise<void>
  /** Takes items out of the rate of the tenant. @returns after how many milliseconds they may begin */
  takeItems(count: number): Promise<number>
  /** Before the first job of a run. */
  prepare(queue: string): Promise<Quota>
  /** Adding one a second time does nothing. */
  add(
    queue: string,
    jobs: readonly { readonly id: string; readonly text: string; readonly priority: 'high' | 'normal' | 'low' }[],
  ): Promise<void>
  states(queue: string, ids: readonly string[]): Promise<JobState[]>
  /** The texts of jobs, whatever their state; undefined for those that are not there. */
  messages(queue: string, ids: readonly string[]): Promise<(string | undefined)[]>
  /** Takes jobs back that nobody has fetched; true for those. */
  recall(queue: string, ids: readonly string[]): Promise<boolean[]>
  /** Removes jobs that are done. */
  forget(queue: string, ids: readonly string[]): Promise<void>
  /** Ids of all jobs of a queue. */
  jobs(queue: string): Promise<string[]>
  counts(queue: string): Promise<{ readonly waiting: number; readonly active: number; readonly done: number }>
  /** Names of the queues that hold anything. */
  queues(): Promise<string[]>
  /** Removes a queue where nothing is in it. */
  tidy(queue: string): Promise<void>
  /** Hears of jobs from now on. A hint: some may be lost. */
  listen(
    queue: string,
    hear: { done(id: string, text: string): void; active(id: string): void; waiting(id: string): void },
  ): Promise<Ended>
  readonly runs: Book
  readonly workers: Book
  /** Texts of runs that lie beside the messages, in the queue of that name. */
  readonly values: Book
  readonly valueQueue: string
  publish(message: Readonly<Record<string, string | number>>): Promise<void>
  hear(hear: (message: Readonly<Record<string, unknown>>) => void): Promise<Ended>
  fetch(queue: string, concurrency: number, worker: string, events: FetcherEvents): Fetcher
  close(): Promise<void>
}
