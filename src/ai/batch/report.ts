/** What batches have done: the figures of `report()`. */

/** One batch. */
export interface BatchRow {
  /** As the provider calls it; empty until it was taken. */
  readonly id: string
  readonly status: 'sending' | 'running' | 'ended' | 'failed'
  readonly calls: number
  readonly answered: number
  /** Answered with an error. */
  readonly failed: number
  /** Not run: it expired or was cancelled. Sent again, or one by one. */
  readonly expired: number
  /** Taken over from an earlier run. */
  readonly resumed: boolean
}

/** Everything that a {@link batch} has done so far. */
export interface BatchReport {
  /** Calls that the program made. Always `succeeded + failed + running`. */
  readonly calls: number
  readonly succeeded: number
  readonly failed: number
  readonly running: number
  /** Answers that came from the journal. */
  readonly restored: number
  /** Calls that went into another batch, because theirs failed or expired. */
  readonly again: number
  /** Calls that were made by themselves at the end, at the full price. */
  readonly oneByOne: number
  readonly tokens: { readonly input: number; readonly cached: number; readonly output: number }
  /** US dollars of batches, at their prices; undefined without a price. Calls of `oneByOne` stand in the report of the pool. */
  readonly usd: number | undefined
  /** The price of the same answers one by one. */
  readonly usdOneByOne: number | undefined
  /** The latest thousand. */
  readonly batches: readonly BatchRow[]
}

const rowsMost = 1_000

export class BatchLedger {
  calls = 0
  succeeded = 0
  failed = 0
  restored = 0
  again = 0
  oneByOne = 0
  usd = 0
  usdOneByOne = 0
  unpriced = false
  readonly tokens = { input: 0, cached: 0, output: 0 }
  readonly #rows: Row[] = []

  row(calls: number, resumed: boolean): Row {
    const row: Row = { id: '', status: 'sending', calls, answered: 0, failed: 0, expired: 0, resumed }
    this.#rows.push(row)
    if (this.#rows.length > rowsMost) this.#rows.shift()
    return row
  }

  report(): BatchReport {
    const { calls, succeeded, failed, restored, again, oneByOne } = this
    return {
      calls,
      succeeded,
      failed,
      running: calls - succeeded - failed,
      restored,
      again,
      oneByOne,
      tokens: { ...this.tokens },
      usd: this.unpriced ? undefined : this.usd,
      usdOneByOne: this.unpriced ? undefined : this.usdOneByOne,
      batches: this.#rows.map((row) => ({ ...row })),
    }
  }
}

export type Row = { -readonly [K in keyof BatchRow]: BatchRow[K] }
