/** Work of one function that waits for workers, with everything of it that is under way. The pool's state, without its decisions. */
import type { Batch, BulkWork, FunctionRef, Place } from '../../run/executor.ts'
import type { SealedPlace } from '../protocol.ts'
import type { Copying } from './copying.ts'
import type { SplitProgress } from './split-progress.ts'
import type { Estimate } from './estimate.ts'

export interface JobWork extends BulkWork {
  /** True when each item is a list of arguments. */
  readonly spread: boolean
  /** True for direct calls: nobody knows which one is the last. */
  readonly endless?: boolean
  /** Of what a worker has forked: the tree that it belongs to. */
  readonly fork?: { readonly tree: object; readonly from: object; readonly depth: number }
  /** Index and attempt of each item, where they are not the position and 1. */
  meta?(batch: Batch): Int32Array | undefined
  /** The idempotency key of each item, where calls have been given theirs. */
  keys?(batch: Batch): readonly string[] | undefined
  /** A worker that has loaded the module has the batch, or the batch waits again. */
  waits?(batch: Batch, waiting: boolean): void
  /** Something else than `timeoutMs` bounds the loading of the module. */
  readonly bounded?: boolean
  /** Where in the arguments of the batch there are sealed values. */
  sealedPlaces?(batch: Batch): SealedPlace[]
}

/** A batch at a worker. */
export interface Posted {
  readonly id: number
  readonly job: Job
  readonly batch: Batch
  readonly postedAt: number
  /** Positions that have been reported. */
  readonly reported: Uint8Array
  left: number
  /** Errors of items that the host gave up: a timeout or a cancellation decides, whatever the function gives afterwards. */
  doomed: Map<number, unknown> | undefined
  /** Its result is expected soon; see wait-mode.ts. */
  readonly near: boolean
  /** True when buffers were moved to the worker, so that the items cannot be sent again. */
  readonly moved: boolean
  /** Taken back before the worker had begun it. */
  revoked: boolean
  timer: NodeJS.Timeout | undefined
  // For the watch, in milliseconds of `performance.now()`.
  /** When the watch saw that the worker was loading its module. */
  loadingSince: number | undefined
  /** When the last of its items was given up. */
  doomedAt: number | undefined
  /** A doomed item that was seen to hold the thread, and since when. */
  held: { readonly at: number; readonly since: number } | undefined
  /** When the last of its items had started. */
  loopEndedAt: number | undefined
}

export function newPosted(of: Pick<Posted, 'id' | 'job' | 'batch' | 'postedAt' | 'near' | 'moved'>): Posted {
  const { id, job, batch, postedAt, near, moved } = of
  const { length } = batch.items
  return {
    id,
    job,
    batch,
    postedAt,
    near,
    reported: new Uint8Array(length),
    left: length,
    doomed: undefined,
    moved,
    revoked: false,
    timer: undefined,
    loadingSince: undefined,
    doomedAt: undefined,
    held: undefined,
    loopEndedAt: undefined,
  }
}

export class Job {
  readonly ref: FunctionRef
  readonly work: JobWork
  readonly estimate: Estimate
  /** Batches that came back from a worker that ended before they had started. */
  readonly #returned: Batch[] = []
  /** Indices of the items in them that nobody has taken out meanwhile: removing one must not walk over all. */
  readonly #back = new Set<number>()
  /** Items that were taken and have not been reported. */
  underWay = 0
  #taken = 0
  /** True while this thread works on it. */
  inline = false
  /** True while others work on it too. */
  shared = false
  /** True while it waits for its turn. */
  inLine = false
  inlineItems = 0
  /** Set when its module consented to run here. */
  course: SplitProgress | undefined
  /** Its module did not consent to run on this thread, where the whole job would have taken less: since when, and of how many items. */
  contained: { readonly since: number; readonly items: number } | undefined
  /** What its crossing has cost since that was last told. */
  copying: Copying | undefined
  finished = false
  /** Where all of its calls must run. */
  place: Place | undefined
  cancelReason: { readonly reason: unknown } | undefined
  readonly unsubscribe: (() => void)[] = []

  constructor(ref: FunctionRef, work: JobWork, estimate: Estimate) {
    this.ref = ref
    this.work = work
    this.estimate = estimate
  }

  remaining(): number {
    return this.work.remaining() + this.#back.size
  }

  /** Whether a worker has to load that module for its calls. */
  needs(module: string): boolean {
    return this.modules.includes(module)
  }

  /** What has to be loaded for its calls: functions in a row, and what merges results, may be of several modules. */
  get modules(): string[] {
    const merge = this.work.stays?.merge
    return merge ? [...modulesOf(this.ref), ...modulesOf(merge)] : modulesOf(this.ref)
  }

  /** A batch comes back; it is handed out again first. */
  giveBack(batch: Batch): void {
    this.work.waits?.(batch, true)
    this.#returned.push(batch)
    for (let at = 0; at < batch.items.length; at++) this.#back.add(batch.first + at)
  }

  /** Everything that came back. */
  takeReturned(): Batch[] {
    const batches: Batch[] = []
    for (let batch = this.#nextReturned(Number.POSITIVE_INFINITY); batch; batch = this.#nextReturned(Number.POSITIVE_INFINITY))
      batches.push(batch)
    return batches
  }

  /** Takes one item out of what came back; false when it is not there. */
  removeReturned(index: number): boolean {
    return this.#back.delete(index)
  }

  #nextReturned(max: number): Batch | undefined {
    for (let batch = this.#returned.pop(); batch; batch = this.#returned.pop()) {
      const { first, items } = batch
      let from = 0
      while (from < items.length && !this.#back.has(first + from)) from++
      let to = from
      while (to < items.length && to - from < max && this.#back.delete(first + to)) to++
      if (to < items.length) this.#returned.push(sliceBatch(batch, to, items.length))
      if (to > from) return sliceBatch(batch, from, to)
    }
    return undefined
  }

  take(max: number): Batch | undefined {
    if (this.finished || this.cancelReason) return undefined
    const back = this.#nextReturned(max)
    if (back) return back
    const batch = this.work.take(max)
    if (batch) {
      this.underWay += batch.items.length
      this.#taken += batch.items.length
    }
    return batch
  }

  /** How many items have begun, of which `ahead` wait at workers. */
  begun(ahead: number): number {
    return this.#taken - this.#back.size - ahead
  }

  /** True when nothing is under way and nothing will come. */
  get over(): boolean {
    return this.underWay === 0 && !this.inline && this.work.exhausted()
  }
}

export function sliceBatch(batch: Batch, from: number, to: number): Batch {
  return { first: batch.first + from, items: Array.prototype.slice.call(batch.items, from, to) as unknown[] }
}

function modulesOf({ module, parts }: FunctionRef): string[] {
  return parts ? [module, ...parts.flatMap(modulesOf)] : [module]
}
