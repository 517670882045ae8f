import { because, Closed } from '../base/errors.ts'
import { currentFrame } from '../base/frame.ts'
import { checkOptions, type OptionRules, rules } from '../base/options.ts'
import { ChannelLine, type Choice, ReceiveWaiter, SendWaiter } from './channel-line.ts'
import { labelOf, type NameOptions, nameRules, throwIfAborted, type WaitOptions, waitRules } from './wait-queue.ts'
import { Ring } from '../base/ring.ts'
import type { SelectCase } from './select.ts'

/** Options of a {@link Channel}. */
export interface ChannelOptions extends NameOptions {
  /**
   * How many items may wait inside: a whole number from 0 up, `Infinity` written out. With 0, every send waits for its
   * receiver. @default 0
   */
  readonly capacity?: number
}

const channelRules: OptionRules<ChannelOptions> = { ...nameRules, capacity: rules.whole(0) }

type Received<T> = IteratorResult<T, undefined>

interface Sent {
  readonly done: false
  readonly value: undefined
}

const sent: Sent = { done: false, value: undefined }

/**
 * A bounded queue between tasks: senders wait while it is full, receivers while it is empty, each first come first served.
 * Every item goes to exactly one receiver.
 *
 * `for await (const item of channel)` ends when the channel is closed and empty; several may iterate at once, and one that
 * breaks off leaves the channel open.
 *
 * @example
 * const jobs = new Channel<Job>({ capacity: 16, name: 'jobs' })
 * await jobs.send(job)              // waits while 16 are inside
 * for await (const job of jobs) …   // until jobs.close()
 */
export class Channel<T> implements AsyncIterable<T> {
  readonly name: string | undefined
  readonly capacity: number
  readonly #items = new Ring<T>()
  readonly #receivers: ChannelLine<Received<T>, ReceiveWaiter<T>>
  readonly #senders: ChannelLine<void, SendWaiter<T>>
  #closed: { readonly reason: unknown } | undefined

  constructor(options: ChannelOptions = {}) {
    checkOptions<ChannelOptions>(options, channelRules, 'Channel')
    this.name = options.name
    this.capacity = options.capacity ?? 0
    this.#receivers = new ChannelLine(
      () => `an item of ${this.#label()}`,
      () => `sends on ${this.#label()}`,
    )
    this.#senders = new ChannelLine(
      () => `room in ${this.#label()}`,
      () => `receives from ${this.#label()}`,
    )
  }

  /** Items inside, at most {@link capacity}. */
  get size(): number {
    return this.#items.size
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /** How many wait to send. */
  get sending(): number {
    return this.#senders.length
  }

  /** How many wait to receive. */
  get receiving(): number {
    return this.#receivers.length
  }

  /**
   * Puts an item in; waits while there is no room.
   * @throws {Closed} when the channel was closed before the item was in @throws {TimedOut} @throws {Cancelled}
   */
  async send(item: T, options: WaitOptions = {}): Promise<void> {
    checkOptions<WaitOptions>(options, waitRules, 'send')
    throwIfAborted(options, this.#senders.label())
    if (!this.#put(item, undefined)) await this.#senders.join(new SendWaiter(this.#senders, undefined, item), options)
  }

  /** Puts an item in if that takes no waiting; else false. @throws {Closed} */
  trySend(item: T): boolean {
    return this.#put(item, undefined)
  }

  /**
   * Takes the oldest item; waits while there is none.
   * @throws {Closed} when the channel is closed and empty @throws {TimedOut} @throws {Cancelled}
   */
  async receive(options: WaitOptions = {}): Promise<T> {
    checkOptions<WaitOptions>(options, waitRules, 'receive')
    throwIfAborted(options, this.#receivers.label())
    const { done, value } =
      this.#take(undefined) ?? (await this.#receivers.join(new ReceiveWaiter(this.#receivers, undefined), options))
    if (done) throw this.#closedError()
    return value
  }

  /** Takes the oldest item if there is one. */
  tryReceive(): { readonly value: T } | undefined {
    const taken = this.#take(undefined)
    return taken && !taken.done ? { value: taken.value } : undefined
  }

  /**
   * Nothing more can be sent; what is inside can still be received. Those who wait to send are rejected with `Closed`, those
   * who wait to receive too, and iterations end. A second close does nothing.
   * @param reason why, when it is a failure: iterations then reject with `Closed` too, with this as `cause`
   */
  close(reason?: unknown): void {
    if (this.#closed) return
    this.#closed = { reason }
    this.#senders.dismiss(() => this.#closedError())
    for (let waiter = this.#receivers.head; waiter; waiter = this.#receivers.head) this.#receivers.serve(waiter, this.#end())
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, undefined> {
    while (true) {
      const taken = this.#take(undefined) ?? (await this.#receivers.join(new ReceiveWaiter(this.#receivers, undefined), {}))
      if (taken.done) {
        if (this.#closed?.reason !== undefined) throw this.#closedError()
        return undefined
      }
      yield taken.value
    }
  }

  /** A case of `select`: chosen when an item is there, or the channel is closed and empty (then `done` is true). */
  receiveCase(): SelectCase<Received<T>> {
    const receivers = this.#receivers
    return {
      attempt: (choice) => this.#take(choice),
      join: (choice) => {
        const waiter = new ReceiveWaiter<T>(receivers, choice)
        return { promise: receivers.join(waiter, {}), fail: (error) => waiter.leave(error), drop: () => receivers.drop(waiter) }
      },
    }
  }

  /** A case of `select`: chosen when the item is in. A closed channel rejects the whole `select`. */
  sendCase(item: T): SelectCase<Sent> {
    const senders = this.#senders
    return {
      attempt: (choice) => (this.#put(item, choice) ? sent : undefined),
      join: (choice) => {
        const waiter = new SendWaiter(senders, choice, item)
        const promise = senders.join(waiter, {}).then(() => sent)
        return { promise, fail: (error) => waiter.leave(error), drop: () => senders.drop(waiter) }
      },
    }
  }

  #put(item: T, choice: Choice | undefined): boolean {
    if (this.#closed) throw this.#closedError()
    this.#receivers.servedBy(currentFrame())
    const receiver = this.#receivers.first(choice)
    if (receiver) this.#receivers.serve(receiver, { done: false, value: item })
    else if (this.#items.size < this.capacity) this.#items.push(item)
    else return false
    return true
  }

  #take(choice: Choice | undefined): Received<T> | undefined {
    this.#senders.servedBy(currentFrame())
    const sender = this.#senders.first(choice)
    if (this.#items.size > 0) {
      const value = this.#items.shift()
      if (sender) this.#accept(sender, true)
      return { done: false, value }
    }
    if (sender) return { done: false, value: this.#accept(sender, false) }
    return this.#closed ? this.#end() : undefined
  }

  /** Lets a waiting sender go on; its item goes inside, or straight to the receiver. */
  #accept(sender: SendWaiter<T>, inside: boolean): T {
    if (inside) this.#items.push(sender.item)
    this.#senders.serve(sender, undefined)
    return sender.item
  }

  #end(): Received<T> {
    return { done: true, value: undefined }
  }

  #label(): string {
    return labelOf('channel', this.name)
  }

  #closedError(): Closed {
    const label = this.#label()
    const reason = this.#closed?.reason
    const why = because(reason)
    return new Closed(
      `${label.charAt(0).toUpperCase()}${label.slice(1)} is closed${why}`,
      reason === undefined ? {} : { cause: reason },
    )
  }
}
