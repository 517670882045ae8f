/**
 * The door between a model's limiter and the keeper of an account that other programs use as well. The limiter keeps its queue and its bound on
 * calls under way; what may start it no longer meters by time but by what the keeper has granted: its buckets do not fill by themselves, a
 * grant fills them. What calls give back (they used fewer tokens, they were never sent) lies in the buckets too, for the next call or for the keeper.
 *
 * One message is under way at a time, and no more is asked while a grant has not begun: so every program has one place in the keeper's queue.
 * While the keeper is away the limiter meters by time again, at this program's part of the limits, and the keeper is looked for every second.
 */
import { currentFrame } from '../../../base/frame.ts'
import { performance, setImmediate, setTimeout } from '../../../base/globals.js'
import { note } from '../../../base/observer.ts'
import { toError } from '../../../base/errors.ts'
import type { Limiter } from '../../../limits/index.ts'
import { type Amounts, type Ask, type Known, nothing, type Reply, type Told } from '../../account/exchange.ts'
import type { SharedLimits } from '../../account/share-limits.ts'

/** What one call takes of the tokens and of the output tokens. */
interface Costs {
  readonly cost: number
  readonly outputCost: number
}

/** Amounts that nobody waits for are reported and given back a little later, together. Chosen. */
const reportMs = 20
const lookAgainMs = 1_000
/** A pause may end earlier than it was said to. */
const longestWaitMs = 2_000
/** More than a program ever holds, and little enough that a thousandth of a call is above its rounding error. */
const calls = 1e6
const tokens = 1e8
/** As good as no refill: the limiter's own timer goes off after years. */
const neverMs = 1e21

export const meterKeys = ['rate', 'tokens', 'outputTokens'] as const
export type MeterKey = (typeof meterKeys)[number]

export class Gate {
  /** The keeper is away: the limiter meters by itself. */
  alone = false
  /** Called when {@link alone} has changed. */
  onChange: () => void = () => {}
  readonly #limiter: Limiter
  readonly #share: SharedLimits
  readonly #account: string
  readonly #wanted = { calls: 0, tokens: 0, output: 0 }
  #told: (Told | undefined)[] = []
  #answered = false
  #answeredTold = false
  #pauseMs: number | undefined
  #usedAlone = [0, 0, 0]
  #reply: Reply | undefined
  /** The account's charges, without those that this program still holds. */
  #charged = [0, 0, 0]
  /** The keeper's clock less this one's. */
  #ahead = performance.timeOrigin
  #busy = false
  #scheduled = false
  #report: NodeJS.Timeout | undefined

  constructor(limiter: Limiter, share: SharedLimits, account: string) {
    this.#limiter = limiter
    this.#share = share
    this.#account = account
    this.#shut()
  }

  /** This program's part of the account, while it is alone. */
  get part(): number {
    return 1 / Math.max(1, this.#reply?.members ?? 1)
  }

  /** The rest for everybody, as the keeper last reported it. */
  level(key: MeterKey): number {
    return this.#reply?.level[meterKeys.indexOf(key)] ?? 0
  }

  /** From this clock to the keeper's. */
  time(now: number): number {
    return now + this.#ahead
  }

  /** A call starts and takes this much. Gives all that the account was charged by then, by everybody: what others were granted begins in order. */
  charge(key: MeterKey, amount: number): number {
    const i = meterKeys.indexOf(key)
    return (this.#charged[i] = (this.#charged[i] as number) + amount)
  }

  /** A call waits for the limiter from now on. */
  want({ cost, outputCost }: Costs): void {
    this.#wanted.calls++
    this.#wanted.tokens += cost
    this.#wanted.output += outputCost
    this.#soon()
  }

  /** It waits no more: it has started, or has left. */
  wanted({ cost, outputCost }: Costs): void {
    this.#wanted.calls--
    this.#wanted.tokens -= cost
    this.#wanted.output -= outputCost
    if (this.#wanted.calls === 0) this.#wanted.tokens = this.#wanted.output = 0
    this.changed()
  }

  /** Something was given back, or a place is free. */
  changed(): void {
    if (this.alone) return
    if (this.#wanted.calls > 0) this.#soon()
    else this.#later()
  }

  /** A limit or its state as the provider's headers say it; what is undefined says nothing. */
  tell(key: MeterKey, told: Told): void {
    const i = meterKeys.indexOf(key)
    const before = this.#told[i]
    const atMost = least(before?.atMost, told.atMost)
    const count = (before?.count ?? 0) + (told.count ?? 0)
    const sum = (before?.sum ?? 0) + (told.sum ?? 0)
    this.#told[i] = { ...told, ...(count > 0 && { count, sum }), ...(atMost !== undefined && { atMost }) }
    this.#later()
  }

  /** The provider has answered, with limits or without. */
  answered(): void {
    if (this.#answered) return
    this.#answered = true
    this.#soon()
  }

  /** The provider refused: nobody should send for so long. */
  pause(ms: number): void {
    this.#pauseMs = Math.max(this.#pauseMs ?? 0, ms)
    this.#soon()
  }

  /** The keeper is away, and a call has started. */
  usedAlone(key: MeterKey, amount: number): void {
    this.#usedAlone[meterKeys.indexOf(key)] = (this.#usedAlone[meterKeys.indexOf(key)] as number) + amount
  }

  #shut(): void {
    this.#limiter.update({
      rate: calls,
      burst: calls,
      ratePer: neverMs,
      tokens,
      tokensBurst: tokens,
      tokensPer: neverMs,
      outputTokens: tokens,
      outputTokensBurst: tokens,
      outputTokensPer: neverMs,
    })
    this.#limiter.setLevels({ rate: 0, tokens: 0, outputTokens: 0 })
  }

  /** After what happens in this turn: a grant lets calls start, and they say so a moment later. */
  #soon(): void {
    if (this.#scheduled || this.#busy || this.alone) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      void this.#pump()
    })
  }

  #later(): void {
    if (this.#report !== undefined || this.alone) return
    this.#report = setTimeout(() => {
      this.#report = undefined
      this.#soon()
    }, reportMs)
    this.#report.unref()
  }

  async #pump(): Promise<void> {
    if (this.#busy) return
    const ask = this.#ask()
    if (!ask) return
    this.#busy = true
    try {
      const reply = await this.#exchange(ask)
      if (this.alone) this.#joined()
      await pause(reply.waitMs)
      this.#credit(reply)
    } catch (error) {
      this.#lost(error)
    } finally {
      this.#busy = false
      if (this.#wanted.calls > 0) this.#soon()
      else this.#later()
    }
  }

  #credit({ grant, charged }: Reply): void {
    const held = this.#limiter.levels()
    const levels = { rate: held.rate + grant[0], tokens: held.tokens + grant[1], outputTokens: held.outputTokens + grant[2] }
    this.#charged = meterKeys.map((key, i) => (charged[i] as number) - Math.max(0, levels[key]))
    if (grant.some((amount) => amount > 0)) this.#limiter.setLevels(levels)
  }

  async #exchange(ask: Ask): Promise<Reply> {
    const from = performance.now()
    const reply = await this.#share.exchange(this.#account, ask)
    this.#ahead = reply.now - (from + performance.now()) / 2
    this.#reply = reply
    return reply
  }

  /** What is to be said; undefined for nothing. Taken out of the limiter's buckets here, so that it is said once. */
  #ask(): Ask | undefined {
    const { running, concurrency } = this.#limiter.stats
    const held = this.#limiter.levels()
    const levels = [held.rate, held.tokens, held.outputTokens]
    const wanted = this.#demand(Math.max(0, concurrency - running))
    const want = levels.map((level, i) => beyondDust((wanted[i] as number) - level)) as unknown as Amounts
    const idle = wanted[0] === 0
    const back = levels.map((level) => (idle ? beyondDust(level) : 0)) as unknown as Amounts
    const told = this.#told
    const says =
      told.length > 0 || this.#pauseMs !== undefined || (this.#answered && !this.#answeredTold) || back.some((n) => n > 0)
    if (!says && want.every((amount) => amount === 0)) return undefined
    if (idle)
      this.#limiter.setLevels({
        rate: Math.min(0, held.rate),
        tokens: Math.min(0, held.tokens),
        outputTokens: Math.min(0, held.outputTokens),
      })
    const pauseMs = this.#pauseMs
    this.#told = []
    this.#pauseMs = undefined
    this.#answeredTold = this.#answered
    const reply = this.#reply
    return {
      member: this.#share.member,
      want,
      back,
      ...(told.length > 0 && { told: [told[0] ?? null, told[1] ?? null, told[2] ?? null] }),
      ...(this.#answered && { answered: true }),
      ...(pauseMs !== undefined && { pauseMs }),
      ...(reply && { known: knownOf(reply) }),
    }
  }

  /** What those take who could start at once; the first may be heavier than most. */
  #demand(places: number): Amounts {
    const { calls, tokens, output } = this.#wanted
    const count = Math.min(calls, places)
    if (count === 0) return nothing
    const head = this.#limiter.next
    return [count, Math.max((tokens * count) / calls, head?.cost ?? 0), Math.max((output * count) / calls, head?.outputCost ?? 0)]
  }

  #lost(error: unknown): void {
    if (!this.alone) {
      this.alone = true
      const text = `The limits shared as ${JSON.stringify(this.#share.name)} cannot be reached, this program goes on with its part: ${toError(error).message}`
      note('limit', currentFrame().run, text)
      this.#usedAlone = [0, 0, 0]
      this.onChange()
    }
    if (this.#share.closed) return
    const timer: NodeJS.Timeout = setTimeout(() => void this.#lookForKeeper(), lookAgainMs)
    timer.unref()
  }

  async #lookForKeeper(): Promise<void> {
    const back = this.#usedAlone.map((amount) => -amount) as unknown as Amounts
    const reply = this.#reply
    try {
      await this.#exchange({
        member: this.#share.member,
        want: nothing,
        back,
        answered: this.#answered,
        ...(reply && { known: knownOf(reply) }),
      })
      this.#joined()
      this.#soon()
    } catch (error) {
      this.#lost(error)
    }
  }

  #joined(): void {
    this.alone = false
    this.#shut()
    note('limit', currentFrame().run, `The limits shared as ${JSON.stringify(this.#share.name)} can be reached again`)
    this.onChange()
  }
}

/** Sums of tokens and of parts of calls are off by rounding: nobody needs to hear of that. */
function beyondDust(amount: number): number {
  return amount > 1e-6 ? amount : 0
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b)
}

function knownOf({ generation, now, charged, level, due, limits }: Reply): Known {
  return { generation, now, charged, level, due, limits }
}

/** The limiter's own timer keeps the program alive while a call waits. */
function pause(ms: number): Promise<void> | undefined {
  if (ms <= 0) return undefined
  return new Promise((resolve) => setTimeout(resolve, Math.min(ms, longestWaitMs)).unref())
}
