/**
 * What a program and the keeper of a shared account say to each other: one message each way. A program says what its calls want, what it
 * holds and does not need, and what the provider's headers taught it; the keeper grants, and says when the grant begins.
 *
 * Amounts are calls, tokens and output tokens, in this order. Times are milliseconds of the keeper's clock, since 1970.
 */

export type Amounts = readonly [calls: number, tokens: number, output: number]

/** The news that a program has of one limit since its last message. */
export interface Told {
  /** Units per `perMs`. */
  readonly limit: number
  readonly perMs: number
  /** How many may gather while nothing is taken. */
  readonly burst: number
  /** Readings are rounded to a multiple of this. */
  readonly step: number
  /** Answers that said what was left, and the sum of `remaining − rate × time + charged`, which stays true while time passes. */
  readonly count?: number
  readonly sum?: number
  /** A refusal has said that no more than this is left. */
  readonly atMost?: number
}

/** What a program knew of the account when it last heard of it, for a keeper that knows nothing. */
export interface Known {
  readonly generation: string
  readonly now: number
  readonly charged: Amounts
  readonly level: Amounts
  /** Calls whose readings are still to come, for each limit. */
  readonly due: Amounts
  /** Limit, its time in milliseconds, and what may gather; a limit of 0 is unknown. */
  readonly limits: readonly (readonly [limit: number, perMs: number, burst: number])[]
}

export interface Ask {
  readonly member: string
  /** What calls want beyond what the program holds. */
  readonly want: Amounts
  /** The amount that it holds and does not need; negative for an amount used without asking. */
  readonly back: Amounts
  readonly told?: readonly (Told | null)[]
  /** The provider has answered: a limit that is not known by now is not sent. */
  readonly answered?: boolean
  /** For so long nobody should send: the provider has said so. */
  readonly pauseMs?: number
  readonly known?: Known
}

export interface Reply extends Known {
  readonly grant: Amounts
  /** When the grant begins; without a grant, when to ask again. */
  readonly waitMs: number
  /** Programs that use the account. */
  readonly members: number
}

/** Where an account is kept. */
export interface Keeper {
  /** @throws when the keeper cannot be asked */
  exchange(account: string, ask: Ask): Promise<Reply>
  close(): Promise<void>
}

export const nothing: Amounts = [0, 0, 0]

/** Each grant reaches about this far into the future, shared by those who want something. Chosen: longer than a trip to the keeper. */
export const horizonMs = 50
/** Requests that go out before the provider has answered one: as many as one program alone sends at first. */
export const probesAtOnce = 32
/** Then, if still nobody has heard anything, as many again. Chosen. */
export const probesMs = 1_000
/** When to ask again while probes are under way. */
export const probeWaitMs = 25
/** A program that has asked within this time counts as one that wants something. Chosen. */
export const hungryMs = 1_000
/** A program that has not asked for this long does not use the account. Chosen. */
export const memberMs = 10_000
/** The mean over a crowd of calls is believed when all of them but this share have been answered. As in `LimitLearner`. */
export const missing = 0.1
/** While a request is on its way the bucket goes on filling: a level is raised only beyond what flows in meanwhile. As in `LimitLearner`. */
export const transitMs = 250
/** Differences below this share of the limit are rounding. */
export const tolerance = 0.005

/** What a stranger could send. @throws {TypeError} */
export function checkAsk(value: unknown): Ask {
  const ask = value as Partial<Ask> | null
  if (typeof ask !== 'object' || ask === null || typeof ask.member !== 'string' || ask.member.length > 100)
    throw new TypeError('Expected an ask of a member')
  for (const amounts of [ask.want, ask.back])
    if (!Array.isArray(amounts) || amounts.length !== 3 || !amounts.every(Number.isFinite))
      throw new TypeError('Expected three amounts')
  for (const told of ask.told ?? [])
    if (told !== null && !Object.values(told).every(Number.isFinite)) throw new TypeError('Expected numbers of a limit')
  return ask as Ask
}
