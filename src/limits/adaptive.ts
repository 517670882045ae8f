/**
 * How many calls should be under way at once, found by trying: the controller behind `concurrency: 'auto'`.
 *
 * Two kinds of evidence, the first of which wins:
 *
 * 1. **Overload.** An answer such as 429, 503 or 529, or a timeout. The limit falls to nine tenths, or by the number of calls
 *    that were refused if that is more, but never by more than half for calls that started under the same limit
 *    (multiplicative decrease, as TCP's). How many were under way when the refused call started is remembered as the
 *    *ceiling*: the limit closes a quarter of the distance to just below it per window, stays there, and tries the ceiling again only
 *    after a patience that doubles with every failure (after CUBIC, RFC 9438). Refusals that do not become fewer with fewer calls
 *    are not evidence: a service that fails two calls in a hundred at random is used in full.
 * 2. **Throughput.** At first the limit doubles while throughput grows with it. Then it stays, measures, tries a sixth
 *    more or less, and keeps the change if throughput followed it by at least half (more), or lost less than half of what
 *    was taken away (less); steps up grow while they are kept. So it settles where more calls under way bring nothing any more, and every second trial,
 *    which is one down, keeps noise from driving it up.
 *
 * Latency alone is not evidence: the time of a model's answer says how long it is, not how busy the model is. A late event
 * loop only decides the direction of the next trial, down.
 *
 * Measurement is by windows of a few settled calls per place, so that one call costs two additions; after a change, as many
 * calls as were under way are let pass before measuring begins. Pure but for the clock: no timer, no promise.
 */
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { note } from '../base/observer.ts'
import { InvalidOption } from '../base/errors.ts'
import { checkOptions, type OptionRules, rules } from '../base/options.ts'
import { loopDelayMs } from './loop-delay.ts'
import { isOverload } from './transient.ts'

/** Bounds of adaptive concurrency. */
export interface AdaptiveOptions {
  /** Never fewer under way than this. Minimum 1. @default 1 */
  readonly min?: number
  /** Never more under way than this. @default 1024 */
  readonly max?: number
  /** How many at first. @default 16, within the bounds */
  readonly initial?: number
  /** Whether an error says that the other side has too much to do. @default HTTP status 429, 503 or 529, and timeouts */
  readonly isOverload?: (error: unknown) => boolean
}

export const adaptiveRules: OptionRules<AdaptiveOptions> = {
  min: rules.whole(1),
  max: rules.whole(1),
  initial: rules.whole(1),
  isOverload: rules.function,
}

/** Inside heddle: what the controller needs besides. */
export interface AdaptiveSetting {
  readonly clock?: Clock
  /** How late the event loop was since it was last asked, in milliseconds. */
  readonly loopDelayMs?: () => number
  /** The name in notes. */
  readonly name?: string
  /** Id of the run that it works for; 0 when none. */
  readonly run?: number
}

/** Shorter windows say more about the clock than about the work; chosen. */
const shortestWindowMs = 10
/** Above this the thread is too busy for more calls; a third of what people begin to notice. */
const lateLoopMs = 30
/** Measurements at one limit before another is tried, at least and at most. */
const patienceMin = 2
const patienceMax = 32
/** In sixths of the limit: no step more than doubles it. */
const longestStep = 6
/**
 * A refusal now and then says nothing about how many calls are under way: each call that went well pays for this much of one
 * refusal to be overlooked, up to three. So a service that refuses one call in a hundred at random is used in full.
 */
const overlookedPerCall = 0.015
const overlookedMax = 3
/**
 * Refusals that go on at the same share with a fifth fewer calls under way do not come from how many there are: they are noise, and only
 * more than that is overload. The share is measured over about `noiseCalls` calls, or fewer once `tellingRefusals` of them were refused: while the limit is low,
 * calls are few. Above a tenth it is overload, whatever its cause. Chosen.
 */
const farBelow = 0.8
const noiseCalls = 300
const fewestNoiseCalls = 80
const tellingRefusals = 5
const noiseMin = 0.003
const noiseMax = 0.1
/** Of about this many latest calls, no more than this may be refused where there is noise: by chance that happens once in a lifetime. */
const latestCalls = 128
const atMost = (noise: number): number => 2 * noise + 0.03
const overloadWords = 'overload'
/** Tickets hold the number of the limit and the calls under way in one number. */
const ticketBase = 2 ** 20

export class AdaptiveConcurrency {
  /** How many calls may be under way now. */
  limit: number
  /** Gets the new limit, after every change. */
  onChange: ((limit: number) => void) | undefined
  /** Whether an error says overload. */
  readonly isOverload: (error: unknown) => boolean
  readonly #min: number
  readonly #max: number
  readonly #clock: Clock
  readonly #loopDelayMs: () => number
  readonly #name: string
  readonly #run: number
  #inFlight = 0

  /** Number of the last decrease because of overload; tickets carry it. */
  #epoch = 0
  /** The limit under which the calls of the last epoch started, and how many of them were refused. */
  #base = 0
  #refused = 0
  /** Refusals that may be overlooked now. */
  #credit = 1
  /** Share of refusals among calls that were far fewer than when the limit fell. */
  #noise = 0
  /** How many of them were counted, and refused, since the last measurement; and its share. */
  #heard = 0
  #heardRefused = 0
  #shareBefore = 0
  /** Share of refusals among the latest calls. */
  #latest = 0
  /** The most under way when the limit fell, forgotten slowly. */
  #peak = 0
  /** The fewest under way at which a call was refused; `Infinity` while none was. */
  #ceiling = Number.POSITIVE_INFINITY

  /** The window: calls still to be let pass, calls counted, and how many to count. */
  #skip = 0
  #count = 0
  #size = 0
  #since: number
  #full = false

  /** `double`: looking for the region. `climb`: back to below the ceiling. `hold`: measuring. `try`: measuring a trial. */
  #phase: 'double' | 'climb' | 'hold' | 'try' = 'double'
  /** The limit to compare with, and its throughput in calls per millisecond. */
  #known: { readonly limit: number; readonly throughput: number } | undefined
  #patience = patienceMin
  /** Windows held so far, and the throughput over all of them. */
  #held = 0
  #heldCalls = 0
  #heldMs = 0
  #up = true
  /** Trials up in a row that were kept: far below what the other side takes, each goes further than the last. */
  #gains = 0

  /** @throws {InvalidOption} */
  constructor(options: AdaptiveOptions = {}, setting: AdaptiveSetting = {}) {
    checkOptions<AdaptiveOptions>(options, adaptiveRules, 'adaptive')
    this.#min = options.min ?? 1
    this.#max = options.max ?? Math.max(1024, this.#min)
    if (this.#min > this.#max)
      throw new InvalidOption(`Expected \`min\` to be at most \`max\` ${this.#max}, got ${this.#min} (number)`)
    this.limit = Math.min(this.#max, Math.max(this.#min, options.initial ?? 16))
    this.isOverload = options.isOverload ?? isOverload
    this.#clock = setting.clock ?? systemClock
    this.#loopDelayMs = setting.loopDelayMs ?? loopDelayMs
    this.#name = setting.name ?? 'concurrency'
    this.#run = setting.run ?? 0
    this.#since = this.#clock.now()
    this.#open(0)
  }

  /** A call starts. Gives a ticket, to hand back with {@link settle}. */
  start(): number {
    if (++this.#inFlight >= this.limit) this.#full = true
    return this.#epoch * ticketBase + this.#inFlight
  }

  /** A call settled. `overloaded`: it was refused, because the other side has too much to do. */
  settle(ticket: number, overloaded: boolean): void {
    this.#inFlight--
    if (this.#peak > 0) this.#listen(overloaded, ticket % ticketBase)
    if (overloaded) {
      return this.#overload(Math.floor(ticket / ticketBase), ticket % ticketBase)
    }
    if (this.#credit < overlookedMax) this.#credit += overlookedPerCall
    if (this.#skip > 0) this.#skipped()
    else if (++this.#count >= this.#size) this.#close()
  }

  /** As {@link settle}, by what the call failed with, if it did. Throws what `isOverload` throws, once the call counts as one that went well. */
  settled(ticket: number, error: unknown): void {
    let overloaded = false
    try {
      overloaded = error !== undefined && this.isOverload(error)
    } finally {
      this.settle(ticket, overloaded)
    }
  }

  /** There is reason to believe that this many calls can be under way: begins there, unless calls have shown more already. */
  expect(limit: number): void {
    if (this.#phase !== 'double' || this.#ceiling !== Number.POSITIVE_INFINITY || limit <= this.limit) return
    this.#known = undefined
    this.#set(limit, 'expected')
  }

  /** A call that was to start did not. */
  withdraw(_ticket: number): void {
    this.#inFlight--
  }

  /** Measures how many calls are refused, and how many of those that were far fewer than when the limit fell. */
  #listen(overloaded: boolean, inFlight: number): void {
    const refused = overloaded ? 1 : 0
    this.#latest += (refused - this.#latest) / latestCalls
    // At the ceiling refusals are expected.
    if (inFlight > this.#peak * farBelow || inFlight >= this.#ceiling) return
    this.#heardRefused += refused
    this.#heard++
    const enough = this.#heardRefused < tellingRefusals ? noiseCalls : fewestNoiseCalls
    if (this.#heard < enough) return
    const share = this.#heardRefused / this.#heard
    const wasNoisy = this.#isNoisy
    // Once is an accident; what a fall leaves behind is gone by the second time.
    const goesOn = share > 0 && this.#shareBefore > 0 && share <= noiseMax
    this.#noise = goesOn ? (share + this.#shareBefore) / 2 : 0
    this.#shareBefore = share
    this.#heard = this.#heardRefused = 0
    // The ceiling was not one.
    if (this.#isNoisy && !wasNoisy) this.#forgetCeiling()
  }

  get #isNoisy(): boolean {
    return this.#noise >= noiseMin
  }

  #forgetCeiling(): void {
    this.#ceiling = Number.POSITIVE_INFINITY
    this.#patience = patienceMin
    if (this.#phase === 'try') return
    this.#phase = 'double'
    this.#known = undefined
  }

  #overload(epoch: number, inFlight: number): void {
    if (this.#isNoisy && this.#latest <= atMost(this.#noise)) return
    if (this.#credit >= 1 && inFlight < this.#ceiling) {
      this.#credit--
      return
    }
    if (epoch === this.#epoch) {
      this.#epoch++
      this.#base = this.limit
      this.#peak = this.#isNoisy ? this.limit : Math.max(this.#peak * 0.98, this.limit)
      this.#refused = 0
      if (this.#phase === 'try' || this.#phase === 'hold') this.#patience = Math.min(patienceMax, this.#patience * 2)
      // A ceiling far below the last one is news: the capacity has changed, and may change back soon.
      if (inFlight < this.#ceiling * 0.9 && !this.#isNoisy) this.#patience = patienceMin
      // Where there is noise, the call that was refused may have been any.
      this.#ceiling = this.#isNoisy ? this.limit : inFlight
    } else if (epoch !== this.#epoch - 1) return
    this.#refused++
    if (!this.#isNoisy) this.#ceiling = Math.max(this.#min + 1, Math.min(this.#ceiling, inFlight))
    this.#gains = 0
    const fallen = Math.min(Math.floor(this.#base * 0.9), this.#base - this.#refused)
    this.#phase = 'climb'
    this.#known = undefined
    this.#set(Math.min(this.limit, Math.max(Math.ceil(this.#base / 2), fallen)), overloadWords)
  }

  #skipped(): void {
    if (--this.#skip === 0) this.#since = this.#clock.now()
  }

  /** Begins a window, after `skip` more calls have settled. */
  #open(skip: number): void {
    this.#skip = skip
    this.#count = 0
    this.#full = false
    this.#size = Math.max(16, this.#phase === 'double' || this.#phase === 'climb' ? this.limit : 2 * this.limit)
    if (skip === 0) this.#since = this.#clock.now()
  }

  /** As many calls have settled as the window needs: judge it, unless it was too short to say anything. */
  #close(): void {
    const ms = this.#clock.now() - this.#since
    if (ms < shortestWindowMs) {
      this.#size *= 2
      return
    }
    const calls = this.#count
    const full = this.#full
    // Without enough work the limit bounded nothing, and there is nothing to learn.
    if (full) this.#judge(calls, ms)
    if (this.#skip === 0) this.#open(0)
  }

  #judge(calls: number, ms: number): void {
    const throughput = calls / ms
    const late = this.#loopDelayMs() > lateLoopMs
    switch (this.#phase) {
      case 'double':
        return this.#doubled(throughput, late)
      case 'climb':
        return this.#climb()
      case 'hold':
        return this.#measured(calls, ms, late)
      case 'try':
        return this.#tried(throughput)
    }
  }

  /** Closes a quarter of the distance to just below the ceiling. */
  #climb(): void {
    const distance = this.#ceiling - 1 - this.limit
    if (distance <= 0) return this.#hold()
    this.#set(this.limit + Math.ceil(distance / 4), 'recovers')
  }

  #doubled(throughput: number, late: boolean): void {
    const known = this.#known
    if (known && !this.#follows(known, throughput)) {
      this.#hold()
      return this.#set(known.limit, 'throughput does not grow')
    }
    this.#known = { limit: this.limit, throughput }
    if (late || this.limit === this.#max) return this.#hold()
    this.#set(this.limit * 2, 'throughput grows')
  }

  #hold(): void {
    this.#phase = 'hold'
    this.#held = this.#heldCalls = this.#heldMs = 0
  }

  #measured(calls: number, ms: number, late: boolean): void {
    this.#heldCalls += calls
    this.#heldMs += ms
    if (++this.#held < this.#patience && !late) return
    this.#known = { limit: this.limit, throughput: this.#heldCalls / this.#heldMs }
    this.#phase = 'try'
    const step = Math.max(1, Math.floor((this.limit / 6) * Math.min(longestStep, 2 ** this.#gains)))
    if (late || !this.#up) return this.#set(this.limit - step, late ? 'the event loop is late' : 'trial')
    const belowCeiling = this.limit < this.#ceiling - 1 ? this.#ceiling - 1 : this.#ceiling
    this.#set(Math.min(this.limit + step, belowCeiling), 'trial')
  }

  #tried(throughput: number): void {
    const known = this.#known as { readonly limit: number; readonly throughput: number }
    if (this.limit >= this.#ceiling && this.#isNoisy) {
      // Refusals overlooked as noise may hide that it is full here: a little more at a time.
      this.#ceiling = Math.ceil(this.limit * 1.1) + 1
      this.#patience = Math.min(patienceMax, this.#patience * 2)
      return this.#hold()
    }
    if (this.limit >= this.#ceiling) {
      this.#ceiling = Number.POSITIVE_INFINITY
      this.#phase = 'double'
      this.#patience = patienceMin
      return this.#set(this.limit * 2, 'the other side takes more again')
    }
    const raised = this.limit > known.limit
    this.#hold()
    // Of a trial down the converse is asked: would coming back up be worth it?
    const follows = raised
      ? this.#follows(known, throughput)
      : !this.#follows({ limit: this.limit, throughput }, known.throughput, known.limit)
    if (follows && this.limit !== known.limit) {
      this.#patience = patienceMin
      this.#gains = raised ? this.#gains + 1 : 0
      return
    }
    this.#gains = 0
    this.#up = !raised
    this.#patience = Math.min(patienceMax, this.#patience * 2)
    this.#set(known.limit, 'throughput does not follow')
  }

  /** Whether throughput grew by at least half of what the limit grew by. */
  #follows(from: { readonly limit: number; readonly throughput: number }, throughput: number, limit = this.limit): boolean {
    return throughput / from.throughput - 1 >= (limit / from.limit - 1) / 2
  }

  #set(wanted: number, why: string): void {
    const limit = Math.min(this.#max, Math.max(this.#min, wanted))
    const from = this.limit
    this.limit = limit
    this.#open(Math.max(1, Math.min(this.#inFlight, from)))
    if (limit === from) return
    note('concurrency', this.#run, `${this.#name} ${from} → ${limit}: ${why}`, {
      name: this.#name,
      from,
      to: limit,
      overload: why === overloadWords ? 1 : 0,
    })
    this.onChange?.(limit)
  }
}
