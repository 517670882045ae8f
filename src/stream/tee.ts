import { queueMicrotask } from '../base/globals.js'
import { Ring } from '../base/ring.ts'
import { Wait, Waitable } from '../base/wait-graph.ts'
import { heldBytes, Sizes, within } from '../run/sizes.ts'
import { end } from '../run/source.ts'
import { runTask } from '../run/task.ts'
import type { Segment } from './segment.ts'
import type { StreamRun } from './stream-run.ts'
import { type Downstream, pending, type Polled, Stage } from './stage.ts'

/** An item that some branch has not had yet. */
interface Held {
  readonly item: unknown
  /** How many branches have not had it: counted, so that nobody has to look for the slowest branch at every item. */
  left: number
}

/**
 * Gives every item to several branches. The fastest is at most `buffer` items ahead of the slowest, and no more bytes than one buffer may hold; a branch that was closed
 * holds nobody up.
 */
export class Tee extends Waitable implements Downstream {
  /** Slow consumers may wait for anything, so none is accused of a deadlock while anything else goes on. */
  readonly exclusive = true

  readonly #up: Stage
  readonly #buffer: number
  readonly #branches = new Set<Branch>()
  /** Items that some branch has not had yet; the first of them is number `#first` of all. */
  readonly #items = new Ring<Held>()
  readonly #sizes = new Sizes()
  #first = 0
  #exhausted = false
  #rousing = false

  constructor(up: Stage, buffer: number) {
    super()
    this.#buffer = buffer
    this.#up = up.feed(this)
  }

  /** A branch that gets every item; all are made before the first is polled. */
  branch(): Branch {
    const branch = new Branch(this)
    this.#branches.add(branch)
    return branch
  }

  label(): string {
    return 'the slowest consumer of a tee'
  }

  holds(): Iterable<never> {
    return []
  }

  passable(): boolean {
    return true
  }

  withdraw(): void {}

  /** Whether the branch has had all that is held, and the slowest one must take some before there is room for more. */
  full(branch: Branch): boolean {
    return !this.#exhausted && this.#full && branch.next - this.#first >= this.#items.size
  }

  get #full(): boolean {
    return this.#items.size >= Math.min(this.#buffer, within(heldBytes, this.#sizes))
  }

  /** @internal */
  pull(branch: Branch): Polled<unknown> {
    const place = branch.next - this.#first
    if (place < this.#items.size) {
      const held = this.#items.at(place)
      branch.next++
      held.left--
      this.#trim()
      return held.item
    }
    if (this.#exhausted) return end
    if (this.#full) return pending
    // One branch asks for all: what is above belongs to none of them.
    const item = this.#up.segment.run.enter(() => this.#up.poll())
    if (item === pending) return pending
    this.wake()
    if (item === end) {
      this.#exhausted = true
      return end
    }
    branch.next++
    this.#sizes.note(item)
    this.#items.push({ item, left: this.#branches.size - 1 })
    this.#trim()
    return item
  }

  /** @internal */
  leave(branch: Branch): void {
    if (!this.#branches.delete(branch)) return
    for (let place = branch.next - this.#first; place < this.#items.size; place++) this.#items.at(place).left--
    this.#trim()
  }

  /** Forgets what every branch has had. */
  #trim(): void {
    const items = this.#items
    if (items.head?.left !== 0) return
    if (this.#full) this.wake()
    while (items.head?.left === 0) {
      items.shift()
      this.#first++
    }
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
    this.#stage = new BranchStage(segment, this.#tee, this)
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
  readonly #tee: Tee
  readonly #branch: Branch
  /** For the slowest consumer, as the wait-for graph sees it. */
  #slowest: Wait<void> | undefined

  constructor(segment: Segment, tee: Tee, branch: Branch) {
    super(segment)
    this.#tee = tee
    this.#branch = branch
    segment.onStop(() => this.#goesOn())
  }

  poll(): Polled<unknown> {
    if (this.segment.stopped) return this.wait()
    const item = this.#tee.pull(this.#branch)
    if (item !== pending) return item
    if (this.#tee.full(this.#branch)) this.#waitForSlowest()
    return this.wait()
  }

  #waitForSlowest(): void {
    if (this.#slowest) return
    const { run } = this.segment
    this.#slowest = run.enter(() => new Wait<void>(this.#tee))
    this.#slowest.promise.catch((error: unknown) => run.fail(error, 'tee'))
  }

  #goesOn(): void {
    this.#slowest?.settle()
    this.#slowest = undefined
  }

  wake(): void {
    this.#goesOn()
    // The other branches belong to runs of their own.
    this.segment.run.enter(() => this.notify())
  }
}

/** The run's task that a branch is made for. */
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
  if (left === 0) {
    up.segment.stop()
    run.finish()
  }
  await run.settle()
  return results
}
