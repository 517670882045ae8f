/**
 * The vocabulary of the wait-for graph: waiters, and what they wait for. wait-graph.ts says how the parts of heddle use it.
 */
import { performance } from './globals.js'
import { currentFrame, type Frame, rootFrame } from './frame.ts'
import { Suspension } from './suspension.ts'

/** Something that a frame has and that others may wait for: a lock, a slot, a place in a conversation. */
export interface Hold {
  readonly frame: Frame
  /**
   * True when all code of the frame runs inside the hold, as in `runExclusive` or a limited task. False for a lease that
   * some code of the frame took and may give back at any time.
   */
  readonly inside: boolean
}

/** What can be waited for: one object per line of waiters. A read-write lock has one, a channel has two. */
export abstract class Waitable {
  /** @internal Open waits, oldest first. */
  readonly waits = new Set<Wait<never>>()
  /** True when only a holder can end a wait; false for channels and the like, which code unknown to heddle may feed. */
  abstract readonly exclusive: boolean

  /** As messages call it: `"orders"`, `a slot of limiter "api"`. */
  abstract label(): string

  /** What a holder does, as messages say it after its name. */
  holding(): string {
    return `holds ${this.label()}`
  }

  /** Whom the waiters wait for. Called by the detector only. */
  abstract holds(): Iterable<Hold>

  /**
   * Would the next in line be served if every hold that `live` accepts were given back? When in doubt, true: a deadlock
   * is reported only when nobody can go on.
   */
  abstract passable(live: (hold: Hold) => boolean): boolean

  /** Takes a wait out of the line without serving it, and serves those behind it that it held up. */
  abstract withdraw(wait: Wait<never>): void
}

/** @internal Every waitable that somebody waits for. */
export const waitedFor = new Set<Waitable>()

/**
 * @internal The youngest wait whose end nothing outside the program brings about, and through `older` all of the kind: what is looked at
 * when nothing is left that could end them. In a list, so that whoever ends one after the other need not look through all of them each time.
 */
export const hopeless: { youngest: Wait<never> | undefined } = { youngest: undefined }

/** @internal The detector, which starts to look when somebody waits. */
export const detector = { wake: (): void => {} }

let lastId = 0

/** One wait of one frame for one waitable. */
export class Wait<T> extends Suspension<T> {
  readonly on: Waitable
  readonly frame: Frame
  /** Ascending in the order in which waits began. */
  readonly id = ++lastId
  readonly since = performance.now()
  /** Neighbours among the {@link hopeless}. */
  older: Wait<never> | undefined = undefined
  younger: Wait<never> | undefined = undefined
  #listed = false

  constructor(on: Waitable, frame: Frame = currentFrame()) {
    super(frame)
    this.on = on
    this.frame = frame
    frame.waits++
    if (on.waits.size === 0) waitedFor.add(on)
    on.waits.add(this as unknown as Wait<never>)
    // A consumer outside every run that still waits for a channel is not a fault: the program is just over.
    if (on.exclusive || frame !== rootFrame) this.#list()
    detector.wake()
  }

  protected override ended(): void {
    this.frame.waits--
    this.on.waits.delete(this as unknown as Wait<never>)
    if (this.on.waits.size === 0) waitedFor.delete(this.on)
    if (this.#listed) this.#unlist()
  }

  #list(): void {
    const self = this as unknown as Wait<never>
    this.#listed = true
    this.older = hopeless.youngest
    if (hopeless.youngest) hopeless.youngest.younger = self
    hopeless.youngest = self
  }

  #unlist(): void {
    const { older, younger } = this
    if (younger) younger.older = older
    else hopeless.youngest = older
    if (older) older.younger = younger
    this.older = this.younger = undefined
  }
}
