/**
 * Hard budgets: what a call can cost at most is reserved before it starts, and what it did cost is settled after. So the sum of
 * what was spent and what is reserved never exceeds a bound, whatever runs at once.
 *
 * A call that does not fit while others hold reservations waits for them, because they mostly give something back; when
 * nothing is reserved any more and it still does not fit, it is refused. First come, first served: a small call does not
 * overtake a large one.
 *
 * Budgets form a tree: a reservation is taken from the budget and everything above it, or from none.
 */
import { Cancellation, cancelled } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import { formatMs } from '../../base/duration.ts'
import { BudgetExceeded, describe, InvalidOption, TimedOut } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { WaitQueue } from '../../limits/wait-queue.ts'

/** The bounds of a budget. */
export interface BudgetOptions {
  /** US dollars. @default no bound */
  readonly usd?: number
  /** Input and output tokens together. @default no bound */
  readonly tokens?: number
  /** Requests that are sent, retries and hedges included. @default no bound */
  readonly calls?: number
  /** The name in messages. @default 'the budget' */
  readonly name?: string
}

/** An amount of everything that budgets count. */
export interface Spend {
  readonly usd: number
  readonly tokens: number
  readonly calls: number
}

const kinds = ['usd', 'tokens', 'calls'] as const
const nothing: Spend = { usd: 0, tokens: 0, calls: 0 }
const bound = rules.number(0)

/** Money is added up in floating point: this much may be lost to rounding. */
const tolerance = 1e-9

interface Waiter {
  readonly owner: Budget
  readonly spend: Spend
  readonly resolve: (reservation: Reservation) => void
  readonly reject: (error: Error) => void
  unsubscribe: () => void
}

/** A hard bound on dollars, tokens and calls: calls that could exceed it wait or are refused. Budgets form a tree. */
export class Budget {
  readonly #parent: Budget | undefined
  /** This one and everything above it, up to the root. */
  readonly #line: readonly Budget[]
  readonly #limits: Spend
  readonly #name: string
  #spent: Spend = nothing
  #reserved: Spend = nothing
  /** Of the root: everybody in the tree who waits. */
  readonly #waiters = new WaitQueue<Waiter>()

  /** @internal Use {@link budget} and {@link Budget.child}. */
  constructor(options: BudgetOptions, parent: Budget | undefined) {
    checkOptions<BudgetOptions>(options, { usd: bound, tokens: bound, calls: bound, name: rules.string }, 'budget')
    const { usd = Infinity, tokens = Infinity, calls = Infinity } = options
    if (usd === Infinity && tokens === Infinity && calls === Infinity) {
      throw new InvalidOption('Expected budget to get `usd`, `tokens` or `calls`, got none of them')
    }
    this.#limits = { usd, tokens, calls }
    this.#name = options.name ?? 'the budget'
    this.#parent = parent
    this.#line = [this, ...(parent ? parent.#line : [])]
  }

  /** What was spent for certain. */
  get spent(): Spend {
    return this.#spent
  }

  /** What calls under way may still spend. */
  get reserved(): Spend {
    return this.#reserved
  }

  /** What new calls may reserve now, by this budget and those above it. */
  get left(): Spend {
    const own = minus(minus(this.#limits, this.#spent), this.#reserved)
    return this.#parent ? each((kind) => Math.min(own[kind], (this.#parent as Budget).left[kind])) : own
  }

  /** A part of this budget: what it spends, this one spends too. */
  child(options: BudgetOptions): Budget {
    return new Budget(options, this)
  }

  /** True when dollars are bounded here or above, so that calls need a price. */
  get countsUsd(): boolean {
    return this.#limits.usd !== Infinity || (this.#parent?.countsUsd ?? false)
  }

  /** True when tokens or dollars are bounded here or above, so that the length of answers must be. */
  get countsTokens(): boolean {
    return this.#limits.tokens !== Infinity || this.countsUsd || (this.#parent?.countsTokens ?? false)
  }

  /**
   * Takes what a call can cost at most; waits while others may still give back enough.
   * @throws {BudgetExceeded} when it does not fit
   * @throws {Cancelled} when the signal aborts first
   * @throws {TimedOut} when others give nothing back within the time
   * @throws {InvalidOption} for an amount that is none: it would fit nowhere, and wait for ever
   */
  reserve(spend: Spend, signal?: AbortSignal, timeoutMs = Number.POSITIVE_INFINITY): Reservation | Promise<Reservation> {
    for (const kind of kinds)
      if (!(spend[kind] >= 0))
        throw new InvalidOption(`Expected \`${kind}\` of a call to be a number from 0 up, got ${describe(spend[kind])}`)
    const now = this.tryReserve(spend)
    if (now) return now
    this.#checkPossible(spend)
    const root = this.#root()
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { owner: this, spend, resolve, reject, unsubscribe: () => {} }
      const place = root.#waiters.add(waiter, 0)
      const leave = (error: Error): void => {
        root.#waiters.remove(place)
        waiter.unsubscribe()
        reject(error)
        root.#serve()
      }
      const unlink = Cancellation.of(signal)?.subscribe((reason) => leave(cancelled(reason, 'The call')))
      const timer =
        timeoutMs === Number.POSITIVE_INFINITY
          ? undefined
          : systemClock.schedule(timeoutMs, () => leave(this.#waitedTooLong(timeoutMs)))
      waiter.unsubscribe = () => {
        unlink?.()
        if (timer !== undefined) systemClock.cancel(timer)
      }
    })
  }

  /** The reservation if it can be had at once and nobody waits; else undefined. */
  tryReserve(spend: Spend): Reservation | undefined {
    if (this.#root().#waiters.size > 0 || !this.#fits(spend)) return undefined
    return this.#take(spend)
  }

  /** @internal */
  settle(reserved: Spend, told: Spend): void {
    const actual = each((kind) => (told[kind] >= 0 ? told[kind] : reserved[kind]))
    for (const at of this.#line) {
      at.#reserved = minus(at.#reserved, reserved)
      at.#spent = plus(at.#spent, actual)
    }
    this.#root().#serve()
  }

  #root(): Budget {
    return this.#parent ? this.#parent.#root() : this
  }

  #take(spend: Spend): Reservation {
    for (const at of this.#line) at.#reserved = plus(at.#reserved, spend)
    return new Reservation(this, spend)
  }

  #fits(spend: Spend): boolean {
    const { left } = this
    return kinds.every((kind) => spend[kind] <= left[kind] + tolerance)
  }

  /** @throws {BudgetExceeded} when no release could make it fit */
  #checkPossible(spend: Spend): void {
    for (const at of this.#line) {
      const most = minus(at.#limits, at.#spent)
      const kind = kinds.find((kind) => spend[kind] > most[kind] + tolerance)
      if (kind) throw at.#exceeded(kind, spend[kind], most[kind])
    }
  }

  #waitedTooLong(limitMs: number): TimedOut {
    const message = `Waited for ${this.#name} longer than the queueTimeout of ${formatMs(limitMs)}: other calls hold what is left of it`
    return new TimedOut(message, { clock: 'queueTimeout', limitMs })
  }

  #exceeded(kind: (typeof kinds)[number], wanted: number, left: number): BudgetExceeded {
    const unit = kind === 'usd' ? ' US dollars' : ` ${kind}`
    const figure = (value: number): string => `${Number(value.toPrecision(6))}`
    return new BudgetExceeded(
      `The call may need ${figure(wanted)}${unit}, and ${this.#name} of ${figure(this.#limits[kind])} has ${figure(Math.max(0, left))} left`,
      { hint: kind === 'calls' ? undefined : 'Raise the budget, or bound the answer with a smaller `maxOutputTokens`.' },
    )
  }

  /** Lets in who fits, in order, and refuses who never will. */
  #serve(): void {
    for (let { head } = this.#waiters; head; head = this.#waiters.head) {
      const { owner } = head
      try {
        owner.#checkPossible(head.spend)
        if (!owner.#fits(head.spend)) return
        this.#waiters.shift()
        head.unsubscribe()
        head.resolve(owner.#take(head.spend))
      } catch (error) {
        this.#waiters.shift()
        head.unsubscribe()
        head.reject(error as Error)
      }
    }
  }
}

/** What a call under way may spend. */
export class Reservation {
  readonly #budget: Budget
  readonly #spend: Spend
  #open = true

  /** @internal */
  constructor(budget: Budget, spend: Spend) {
    this.#budget = budget
    this.#spend = spend
  }

  /** The call is over. @param actual what it cost; when that is not known, everything that was reserved */
  settle(actual: Spend = this.#spend): void {
    if (!this.#open) return
    this.#open = false
    this.#budget.settle(this.#spend, actual)
  }
}

/**
 * A hard budget, to be shared by everything that it bounds together.
 *
 * @example
 * const month = budget({ usd: 500 })
 * const run = month.child({ usd: 2, calls: 10_000 })
 * const model = pool(openai('gpt-4.1-mini'), { budget: run })
 *
 * @throws {InvalidOption}
 */
export function budget(options: BudgetOptions): Budget {
  return new Budget(options, undefined)
}

function each(of: (kind: (typeof kinds)[number]) => number): Spend {
  return { usd: of('usd'), tokens: of('tokens'), calls: of('calls') }
}

function plus(a: Spend, b: Spend): Spend {
  return each((kind) => a[kind] + b[kind])
}

function minus(a: Spend, b: Spend): Spend {
  return each((kind) => a[kind] - b[kind])
}
