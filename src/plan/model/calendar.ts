/**
 * When work goes on. A calendar says it day by day; from then on two questions matter: when does work that may begin at `t` begin, and when does
 * it end. Both are answered from a table of working spans that grows as it is asked for later times.
 */
import { InvalidPlan } from './invalid-plan.ts'
import { type DayLengths, wholeDays } from './time.ts'

/** What a calendar is made from: plain data. */
export interface CalendarRules {
  /** Working spans of each weekday, Sunday first, in milliseconds from midnight, ascending and apart. */
  readonly week: readonly (readonly Span[])[]
  /** Days that differ, by days since 1970. */
  readonly days: Readonly<Record<number, readonly Span[]>>
}

export type Span = readonly [fromMs: number, toMs: number]

const dayMs = 86_400_000
/** A calendar without work for this long will have none: it ends every search. */
const longestGapDays = 3_660

/** Working time from one moment on, in milliseconds from there. */
export class Calendar {
  readonly #spansOf: (day: number) => readonly Span[]
  readonly #origin: number
  readonly #name: string
  /** Working spans so far, and the work before each. */
  readonly #from: number[] = []
  readonly #to: number[] = []
  readonly #before: number[] = []
  #day: number
  #work = 0

  /**
   * @param origin milliseconds since 1970 that count as 0
   * @param name for messages
   */
  constructor(spansOf: (day: number) => readonly Span[], origin: number, name: string) {
    this.#spansOf = spansOf
    this.#origin = origin
    this.#name = name
    this.#day = Math.floor(origin / dayMs)
  }

  static of(rules: CalendarRules, origin: number, name: string): Calendar {
    return new Calendar((day) => rules.days[day] ?? rules.week[(((day + 4) % 7) + 7) % 7] ?? [], origin, name)
  }

  /** Where all of them work. */
  static all(calendars: readonly Calendar[]): Calendar {
    const [first] = calendars as [Calendar]
    if (calendars.length === 1) return first
    const spansOf = (day: number): readonly Span[] =>
      calendars.map((calendar) => calendar.#spansOf(day)).reduce((spans, others) => intersection(spans, others))
    return new Calendar(spansOf, first.#origin, calendars.map((calendar) => calendar.#name).join(' and '))
  }

  /** The first working moment from `t` on. */
  next(t: number): number {
    return Math.max(t, this.#from[this.#spanAfter(t)] as number)
  }

  /** When `work` milliseconds that begin at the working moment `t` are done; `t` itself for none. */
  add(t: number, work: number): number {
    if (work <= 0) return t
    const first = this.#spanAfter(t)
    const begun = (this.#before[first] as number) + Math.max(0, t - (this.#from[first] as number))
    return this.#at(begun + work)
  }

  /** The latest moment from which `work` milliseconds end by `t`; possibly before 0, when that many do not fit. */
  subtract(t: number, work: number): number {
    const done = this.worked(t) - work
    if (done < 0) return done
    if (done === 0) return this.#from[0] as number
    return this.#at(done)
  }

  /** Work from 0 up to `t`. */
  worked(t: number): number {
    if (t <= 0) return 0
    const span = this.#spanAfter(t)
    return (this.#before[span] as number) + Math.max(0, t - (this.#from[span] as number))
  }

  /** The moment by which that much work has been done since 0. */
  #at(work: number): number {
    while (this.#work < work) this.#grow()
    let [low, high] = [0, this.#from.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#before[middle] as number) < work) low = middle
      else high = middle - 1
    }
    return (this.#from[low] as number) + work - (this.#before[low] as number)
  }

  /** The first span that ends after `t`. */
  #spanAfter(t: number): number {
    while (this.#to.length === 0 || (this.#to.at(-1) as number) <= t) this.#grow()
    let [low, high] = [0, this.#to.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#to[middle] as number) > t) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Adds the next day with work. */
  #grow(): void {
    for (let empty = 0; empty < longestGapDays; empty++) {
      const day = this.#day++
      let found = false
      for (const [from, to] of this.#spansOf(day)) {
        const [begin, end] = [Math.max(0, day * dayMs + from - this.#origin), day * dayMs + to - this.#origin]
        if (end <= begin) continue
        found = true
        const last = this.#to.length - 1
        if (this.#to[last] === begin) this.#to[last] = end
        else {
          this.#from.push(begin)
          this.#to.push(end)
          this.#before.push(this.#work)
        }
        this.#work += end - begin
      }
      if (found) return
    }
    throw new InvalidPlan(`The calendar ${this.#name} has no working hour in ten years`, {
      hint: 'Where a task takes several resources, they must have working hours in common.',
    })
  }
}

function intersection(a: readonly Span[], b: readonly Span[]): Span[] {
  const common: Span[] = []
  for (const [from, to] of a) {
    for (const [otherFrom, otherTo] of b) {
      const [begin, end] = [Math.max(from, otherFrom), Math.min(to, otherTo)]
      if (begin < end) common.push([begin, end])
    }
  }
  return common
}

/** How long a working day and a working week are: the longest day, and the sum of the week. */
export function dayLengthsOf(rules: CalendarRules | undefined): DayLengths {
  if (!rules) return wholeDays
  const lengths = rules.week.map((spans) => spans.reduce((sum, [from, to]) => sum + to - from, 0))
  const longest = Math.max(0, ...lengths)
  return longest === 0 ? wholeDays : { dayMs: longest, weekMs: lengths.reduce((sum, length) => sum + length, 0) }
}
