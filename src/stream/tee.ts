import { end } from '../run/source.ts'
import { runTask } from '../run/task.ts'
import type { Segment, StreamRun } from './run.ts'
import { type Downstream, pending, type Polled, Stage } from './stage.ts'

/**
 * Gives every item to several branches. The fastest is at most `buffer` items ahead of the slowest; a branch that was closed
 * holds nobody up.
 */
export class Tee implements Downstream {
  readonly #up: Stage
  readonly #buffer: number
  readonly #branches = new Set<Branch>()
  /** Items that some branch has not had yet; the first of them is number `#first` of all. */
  readonly #items: unknown[] = []
  #first = 0
  #exhausted = false
  #rousing = false

  constructor(up: Stage, buffer: number) {
    this.#buffer = buffer
    this.#up = up.feed(this)
  }

  /** A branch that gets every item; all are made before the first is polled. */
  branch(): Branch {
    const branch = new Branch(this)
    this.#branches.add(branch)
    return branch
  }

  /** @internal */
  pull(branch: Branch): Polled<unknown> {
    const held = branch.next - this.#first
    if (held < this.#items.length) {
      const item = this.#items[held]
      branch.next++
      this.#trim()
      return item
    }
    if (this.#exhausted) return end
    if (this.#items.length >= this.#buffer) return pending
    const item = this.#up.poll()
    if (item === pending) return pending
    this.wake()
    if (item === end) {
      this.#exhausted = true
      return end
    }
    branch.next++
    this.#items.push(item)
    this.#trim()
    return item
  }

  /** @internal */
  leave(branch: Branch): void {
    if (this.#branches.delete(branch)) this.#trim()
  }

  /** Forgets what every branch has had. */
  #trim(): void {
    let slowest = Number.POSITIVE_INFINITY
    for (const branch of this.#branches) slowest = Math.min(slowest, branch.next)
    const past = Math.min(slowest - this.#first, this.#items.length)
    if (past === 0) return
    if (this.#items.length >= this.#buffer) this.wake()
    this.#items.splice(0, past)
    this.#first += past
  }

  /** Wakes the branches that wait: not at once, because it may be one of them that is being polled. */
  wake(): void {
    if (this.#rousing) return
    this.#rousing = true
    queueMicrotask(() => {
      this.#rousing = false
      for (const branch of this.#branches) branch.rouse()
    })
  }
}

/** One of the branches, as a source that a pipeline may be built on. */
export class Branch {
  readonly #tee: Tee
  #stage: BranchStage | undefined
  /** Number of the item that comes next. */
  next = 0

  constructor(tee: Tee) {
    this.#tee = tee
  }

  open(segment: Segment): Stage {
    segment.onStop(() => this.close())
    this.#stage = new BranchStage(segment, () => this.#tee.pull(this))
    return this.#stage
  }

  rouse(): void {
    this.#stage?.wake()
  }

  /** Nobody reads the branch any more. */
  close(): void {
    this.#tee.leave(this)
  }
}

class BranchStage extends Stage {
  readonly #pull: () => Polled<unknown>

  constructor(segment: Segment, pull: () => Polled<unknown>) {
    super(segment)
    this.#pull = pull
  }

  poll(): Polled<unknown> {
    if (this.segment.stopped) return this.wait()
    const item = this.#pull()
    return item === pending ? this.wait() : item
  }

  wake(): void {
    // The other branches belong to runs of their own.
    this.segment.run.enter(() => this.notify())
  }
}

/** What a branch is made for: a task of the run. */
export interface Consumer {
  /** Undefined where consumers are listed. */
  readonly name: string | undefined
  readonly read: (branch: Branch) => unknown
}

/**
 * Hands each consumer a branch, and gives what they return. The first failure cancels the others; a consumer that has returned
 * reads no more.
 */
export async function runTee(run: StreamRun, up: Stage, consumers: readonly Consumer[], buffer: number): Promise<unknown[]> {
  const tee = new Tee(up, buffer)
  const results: unknown[] = []
  let left = consumers.length
  const consume = async ({ name, read }: Consumer, branch: Branch, index: number): Promise<void> => {
    up.segment.opened()
    try {
      results[index] = await runTask({ group: run.group, index, name }, () => read(branch))
    } catch (error) {
      run.fail(error, index)
    }
    branch.close()
    if (--left === 0) {
      up.segment.stop()
      run.finish()
    }
    up.segment.settled()
  }
  const branches = consumers.map(() => tee.branch())
  for (const [index, branch] of branches.entries()) void consume(consumers[index] as Consumer, branch, index)
  await run.settle()
  return results
}
