/** One worker as the pool sees it: its link, what it has been given, and how it stands. */
import { performance } from '../../base/globals.js'
import { openRow, type RowKind } from '../../base/rows.ts'
import type { FunctionRef } from '../../run/executor.ts'
import { giveBroadcast } from '../broadcast.ts'
import { progress } from '../progress.js'
import type { Posted } from './job.ts'
import type { Link } from './link.ts'

/**
 * What the tasks of a batch and all that they fork belong to: the run that was called from outside. Direct calls share their job with calls of others, so
 * that theirs is the batch.
 */
export function treeOf(posted: Posted): object {
  const { work } = posted.job
  return work.fork?.tree ?? (work.spread ? posted : posted.job)
}

/** A function that waits may have this many items under way at one worker. */
const mostAsyncItems = 64

export class PoolWorker {
  /** Of traces. */
  readonly row: number
  readonly startedAt = performance.now()
  readonly link: Link
  ready = false
  /** Gets no more work, and is ended when it has none. */
  retiring = false
  killed = false
  /** Why something that it has sent could not be read; it was ended for that. */
  unread: Error | undefined
  /** It has said that it has nothing to do before one of its forks has come back, and has got nothing since. */
  waits = false
  /** Called when it has ended. */
  onGone: (() => void) | undefined
  /** Number of the batch that was posted last. */
  lastBatch = 0
  readonly posted = new Map<number, Posted>()
  /** Modules of which something has come back: loading them did not kill this worker. */
  readonly loaded = new Set<string>()
  /** Functions of which a batch has come back. */
  readonly warm = new WeakSet<FunctionRef>()
  /** Functions that this worker knows, with their short numbers. */
  readonly #functions = new WeakMap<FunctionRef, number>()
  readonly #modules: (string | undefined)[] = [undefined]

  constructor(kind: RowKind, open: (worker: PoolWorker) => Link) {
    this.row = openRow(kind)
    this.link = open(this)
  }

  get idle(): boolean {
    return this.posted.size === 0
  }

  get usable(): boolean {
    return !this.retiring && !this.killed
  }

  /** The short number of a function; says where it is, the first time. */
  numberOf(ref: FunctionRef): number {
    let fn = this.#functions.get(ref)
    if (fn === undefined) {
      fn = this.#modules.push(ref.module) - 1
      this.#functions.set(ref, fn)
      const parts = ref.parts?.map((part) => this.numberOf(part))
      this.link.post({
        type: 'load',
        fn,
        module: ref.module,
        name: ref.name,
        ...(parts && { parts }),
        ...(ref.shape && { shape: ref.shape }),
      })
    }
    return fn
  }

  /** Gives it a broadcast value, once. */
  readonly give = (id: number): void =>
    giveBroadcast(
      id,
      this,
      (content) => this.link.post({ type: 'broadcast', ...content }),
      () => this.link.post({ type: 'drop', id }),
    )

  /** The module of a function with that short number. */
  moduleOf(fn: number): string | undefined {
    return this.#modules[fn]
  }

  /** The module that is being loaded, as far as the worker has said. */
  get loading(): string | undefined {
    return this.#modules[this.link.progress()?.loading ?? 0]
  }

  /** Is it loading a module that the job needs, or setting it up? */
  isLoading(job: Posted['job']): boolean {
    // A process has one call: what it has not loaded, it is loading.
    if (this.link.progress()?.loading === -1) return this.ready && !this.hasLoaded(job)
    const { loading } = this
    return loading !== undefined && job.needs(loading)
  }

  /** Has it loaded whatever the job needs? */
  hasLoaded({ modules }: Posted['job']): boolean {
    return modules.every((module) => this.loaded.has(module))
  }

  /** Has it something of the job? */
  has(job: Posted['job']): boolean {
    for (const posted of this.posted.values()) if (posted.job === job) return true
    return false
  }

  /** How many items of the job have been handed to it and have not started. */
  ahead(job: Posted['job']): number {
    let items = 0
    const now = this.link.progress()
    for (const posted of this.posted.values()) {
      if (posted.job !== job) continue
      if (!now || posted.id > now.batch) items += posted.left
      // All of those before it have begun, though this thread may not have heard of it.
      else if (posted.id === now.batch) items += Math.max(0, posted.reported.length - now.started)
    }
    return items
  }

  /** Does it run something of that tree of forks? */
  worksFor(tree: object): boolean {
    for (const posted of this.posted.values()) if (treeOf(posted) === tree) return true
    return false
  }

  /** May another batch of `job` wait here while the one at work is finished? */
  takesMore(job: Posted['job'], exact: boolean): boolean {
    if (exact) return false
    let items = 0
    let onlyAsync = job.estimate.async
    for (const posted of this.posted.values()) {
      items += posted.left
      onlyAsync &&= posted.job.estimate.async
      // What takes long does not feel a message; what waits behind it could be done elsewhere.
      if (!onlyAsync && !posted.job.estimate.prefetches) return false
    }
    return (onlyAsync ? items < mostAsyncItems : this.posted.size < 2 && job.estimate.prefetches) && this.#hasClaim()
  }

  /** A batch that waits must keep its place in the ring of claims. */
  #hasClaim(): boolean {
    return this.lastBatch - (this.link.progress()?.batch ?? this.lastBatch) < progress.claimCount - 1
  }
}
