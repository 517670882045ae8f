/**
 * The client's half of the protocol for one run: which batches are out, what becomes of each item, what is sent again. Pure: it is given what happened, and
 * gives what is to be done.
 *
 * Invariants.
 * 1. An item is in one batch that is out, or has been settled, or is in `resend`; it is settled once.
 * 2. Only what a machine gave back before it began, and what may run again, is sent a second time.
 * 3. After a cancellation nothing is sent again.
 */
import { mostLosses } from './constants.ts'
import type { Outcome } from './message.ts'

/** Items next to each other. */
export interface Range {
  readonly first: number
  readonly count: number
  /** Machines that were lost with them. */
  readonly losses: number
}

interface Out extends Range {
  readonly bytes: number
}

/** What is to be done with the items of a batch; places are indices of the run. */
export interface Verdict {
  /** Each run of items that have their results, with where the results lie in the outcome. */
  readonly succeeded: readonly { readonly first: number; readonly from: number; readonly count: number }[]
  readonly failed: readonly { readonly index: number; readonly place: number }[]
  /** Items that a machine was lost with. */
  readonly lost: readonly number[]
  /** All of it was refused by the worker, with the error of the outcome. */
  readonly refused: readonly number[]
  /** Items that never began, of a run that is cancelled. */
  readonly skipped: readonly number[]
  readonly resend: readonly Range[]
}

const nothing: Verdict = { succeeded: [], failed: [], lost: [], refused: [], skipped: [], resend: [] }

export class Ledger {
  readonly #out = new Map<number, Out>()
  #next = 0
  #bytes = 0
  #cancelled = false
  readonly #again: boolean

  /** @param again items may run again where a machine was lost with them */
  constructor(again: boolean) {
    this.#again = again
  }

  get batches(): number {
    return this.#out.size
  }

  /** Of text that is out. */
  get bytes(): number {
    return this.#bytes
  }

  numbers(): number[] {
    return [...this.#out.keys()]
  }

  get(number: number): Range | undefined {
    return this.#out.get(number)
  }

  /** Batches before it were those of an earlier start. */
  startAt(number: number): void {
    this.#next = number
  }

  send(range: Range, bytes: number): number {
    const number = this.#next++
    this.#out.set(number, { ...range, bytes })
    this.#bytes += bytes
    return number
  }

  /** Nothing will be sent again. What is out is still waited for. */
  cancel(): void {
    this.#cancelled = true
  }

  /** What a machine says of a batch. Undefined for one that is not out: it was said before. */
  settle(number: number, outcome: Outcome): Verdict | undefined {
    const out = this.#take(number)
    if (!out) return undefined
    if (outcome.kind === 'done') return this.#done(out, outcome)
    if (outcome.kind === 'refused') return { ...nothing, refused: indices(out) }
    if (outcome.kind === 'over') return this.#back([out])
    return this.#lost(out, outcome.losses ?? mostLosses, outcome.kind === 'divide')
  }

  /** The store has no such batch: somebody removed it, and it may have run. */
  missing(number: number): Verdict | undefined {
    const out = this.#take(number)
    return out && this.#lost(out, out.losses + 1, false)
  }

  /** Taken back before any machine had it. */
  recalled(number: number): Verdict | undefined {
    const out = this.#take(number)
    return out && this.#back([out])
  }

  /** Nobody will say any more what became of it. */
  giveUp(number: number): Verdict | undefined {
    const out = this.#take(number)
    return out && { ...nothing, lost: indices(out) }
  }

  #take(number: number): Out | undefined {
    const out = this.#out.get(number)
    if (!out) return undefined
    this.#out.delete(number)
    this.#bytes -= out.bytes
    return out
  }

  #done(out: Out, outcome: Extract<Outcome, { kind: 'done' }>): Verdict {
    const settled = new Uint8Array(out.count)
    const succeeded: { first: number; from: number; count: number }[] = []
    const places = outcome.at
    if (places) {
      for (const [from, at] of places.entries()) {
        if (settled[at]) continue
        settled[at] = 1
        const last = succeeded.at(-1)
        if (last && last.first + last.count === out.first + at && last.from + last.count === from) last.count++
        else succeeded.push({ first: out.first + at, from, count: 1 })
      }
    } else {
      settled.fill(1)
      if (out.count > 0) succeeded.push({ first: out.first, from: 0, count: out.count })
    }
    const failed: { index: number; place: number }[] = []
    for (const [place, [at]] of (outcome.errors ?? []).entries()) {
      if (settled[at]) continue
      settled[at] = 1
      failed.push({ index: out.first + at, place })
    }
    const left: Range[] = []
    for (const at of [...(outcome.returned ?? [])].sort((a, b) => a - b)) {
      if (settled[at]) continue
      settled[at] = 1
      const last = left.at(-1)
      if (last && last.first + last.count === out.first + at) left[left.length - 1] = { ...last, count: last.count + 1 }
      else left.push({ first: out.first + at, count: 1, losses: out.losses })
    }
    // Of these the machine says nothing: they may have run.
    const lost = indices(out).filter((_, at) => !settled[at])
    return { ...this.#back(left), succeeded, failed, lost }
  }

  #back(ranges: readonly Range[]): Verdict {
    return this.#cancelled ? { ...nothing, skipped: ranges.flatMap(indices) } : { ...nothing, resend: ranges.map(plain) }
  }

  #lost(out: Out, losses: number, divide: boolean): Verdict {
    if (!this.#again || this.#cancelled || (losses >= mostLosses && out.count === 1)) return { ...nothing, lost: indices(out) }
    if (!divide || out.count === 1) return { ...nothing, resend: [{ ...plain(out), losses }] }
    const half = Math.ceil(out.count / 2)
    return {
      ...nothing,
      resend: [
        { first: out.first, count: half, losses },
        { first: out.first + half, count: out.count - half, losses },
      ],
    }
  }
}

const plain = ({ first, count, losses }: Range): Range => ({ first, count, losses })
const indices = ({ first, count }: Range): number[] => Array.from({ length: count }, (_, i) => first + i)
