/**
 * What calls take from the limits of a model, and give back: the requests, and the tokens by the way in which the provider charges.
 *
 * - on arrival (OpenAI's headers): `max(maxOutputTokens, input)`, and nothing is given back;
 * - by parts (Anthropic's headers): input and output from separate buckets, reserved, and corrected when the answer is there;
 * - unknown: input and output together, reserved, and corrected.
 */
import type { Limiter } from '../../limits/index.ts'
import type { Usage } from '../model/sdk-model.ts'
import { Allowance } from './limits/allowance.ts'
import type { Gate } from './limits/gate.ts'
import type { Charging, RateLimits } from './limits/headers.ts'
import type { Mark } from './limits/learner.ts'

/** Limits that are known beforehand; what is not given is learned from the headers. */
export interface ModelLimits {
  readonly requestsPerMinute?: number
  /** Input and output together. */
  readonly tokensPerMinute?: number
  readonly inputTokensPerMinute?: number
  readonly outputTokensPerMinute?: number
}

/** What a call will take. */
export interface Demand {
  readonly input: number
  readonly maxOutput: number | undefined
}

/** The amounts that a call has taken. */
export interface Charge {
  readonly requests: Mark
  readonly tokens: Mark
  readonly outputTokens: Mark
}

/** Share of the newest answer in the expected length of answers. */
const newest = 0.1

export class Charges {
  readonly #requests: Allowance
  /** Input tokens alone, where output tokens have a limit of their own. */
  readonly #tokens: Allowance
  readonly #outputTokens: Allowance
  #charging: Charging | 'use'
  #expectedOutput = 256

  constructor(limiter: Limiter, limits: ModelLimits, gate: Gate | undefined) {
    const { requestsPerMinute, tokensPerMinute, inputTokensPerMinute, outputTokensPerMinute } = limits
    this.#requests = new Allowance(limiter, 'rate', requestsPerMinute, gate)
    this.#tokens = new Allowance(limiter, 'tokens', tokensPerMinute ?? inputTokensPerMinute, gate)
    this.#outputTokens = new Allowance(limiter, 'outputTokens', outputTokensPerMinute, gate)
    if (gate) gate.onChange = () => [this.#requests, this.#tokens, this.#outputTokens].forEach((allowance) => allowance.moved())
    this.#charging = inputTokensPerMinute === undefined && outputTokensPerMinute === undefined ? 'use' : 'parts'
  }

  /** Output tokens that an answer will probably have. */
  expectedOutput({ maxOutput }: Demand): number {
    return Math.min(maxOutput ?? Number.POSITIVE_INFINITY, this.#expectedOutput)
  }

  /** An answer had this many output tokens. */
  answered(output: number): void {
    this.#expectedOutput += newest * (output - this.#expectedOutput)
  }

  /** The amounts that a call takes from the token limits; never more than can be there: then the provider decides. */
  costs({ input, maxOutput }: Demand): { readonly cost: number; readonly outputCost: number } {
    const output = maxOutput ?? this.#expectedOutput
    const cost =
      this.#charging === 'arrival' ? Math.max(maxOutput ?? 0, input) : this.#charging === 'parts' ? input : input + output
    return { cost: Math.min(this.#tokens.limit, cost), outputCost: Math.min(this.#outputTokens.limit, output) }
  }

  take(demand: Demand, now: number): Charge {
    const { cost, outputCost } = this.costs(demand)
    return {
      requests: this.#requests.charge(1, now),
      tokens: this.#tokens.charge(cost, now),
      outputTokens: this.#outputTokens.charge(outputCost, now),
    }
  }

  /** The request was never sent. */
  refund(charge: Charge): void {
    this.#settle(charge, 0, 0, 0)
  }

  /** A refused request was not charged. @returns the tokens that were used in the end */
  settle(charge: Charge, refused: boolean, usage: Usage | undefined): { readonly tokens: number; readonly output: number } {
    const tokens = refused ? 0 : this.#actualTokens(charge, usage)
    const output = refused ? 0 : (usage?.output ?? charge.outputTokens.amount)
    this.#settle(charge, 1, tokens, output)
    return { tokens, output }
  }

  /** @returns whether a bucket was `empty`, and the requests per minute that were not known before */
  read(charge: Charge, limits: RateLimits, refused: boolean): { readonly empty: boolean; readonly found: number | undefined } {
    this.#charging = limits.charging ?? this.#charging
    const tokens = this.#charging === 'parts' ? limits.inputTokens : limits.tokens
    const wasKnown = this.#requests.known
    const empty = [
      this.#requests.read(limits.requests, charge.requests, refused),
      this.#tokens.read(tokens, charge.tokens, refused),
      this.#outputTokens.read(limits.outputTokens, charge.outputTokens, refused),
    ]
    return { empty: empty.includes(true), found: wasKnown ? undefined : this.#requests.perMinute }
  }

  setPace(perMs: number): void {
    this.#requests.setPace(perMs)
  }

  #settle(charge: Charge, requests: number, tokens: number, output: number): void {
    this.#requests.settle(charge.requests, requests)
    this.#tokens.settle(charge.tokens, tokens)
    this.#outputTokens.settle(charge.outputTokens, output)
  }

  #actualTokens(charge: Charge, usage: Usage | undefined): number {
    if (!usage || this.#charging === 'arrival') return charge.tokens.amount
    return this.#charging === 'parts' ? usage.input - usage.cached : usage.input + usage.output
  }
}
