/** The shape of prices. */

/** US dollars per million tokens. */
export interface Rates {
  readonly input: number
  readonly output: number
  /** Output that the model spends on thinking. @default the price of output */
  readonly reasoning?: number
  /** Input that is read from the provider's prompt cache. @default the price of input */
  readonly cachedInput?: number
  /** Input that is written into the prompt cache. @default 1.25 × the price of input, as Anthropic's */
  readonly cacheWrite?: number
  /** The same for a cache that lives for an hour. @default 2 × the price of input, as Anthropic's */
  readonly cacheWriteHour?: number
}

/** Rates of one way to be served, and of its long requests. */
export interface TierRates extends Rates {
  /** Requests whose input is longer than `above.tokens` of the model. @default as all others of this tier */
  readonly above?: Rates
}

/**
 * What a model can do beside answering a text with a text. `tools`: calls functions; `parallel-tools`: several at once; `images`, `files` (PDF),
 * `audio`, `video`: reads them; `schema`: answers as a JSON Schema says; `reasoning`: thinks; `prompt-cache`: has a cache for prompts.
 */
export type Ability =
  | 'tools'
  | 'parallel-tools'
  | 'images'
  | 'files'
  | 'audio'
  | 'video'
  | 'schema'
  | 'reasoning'
  | 'prompt-cache'

/** The price of a model, in dollars per million tokens, and its abilities. */
export interface Price extends Rates {
  /** Requests whose input is longer than `tokens`, as a whole. @default as all others */
  readonly above?: Rates & { readonly tokens: number }
  /** Requests that are preferred (`serviceTier: 'priority'`). @default 2 × */
  readonly priority?: TierRates
  /** Requests that may wait (`serviceTier: 'flex'`). @default as all others */
  readonly flex?: TierRates
  /** Requests of the provider's batch API. @default as all others: no batch API is known */
  readonly batch?: TierRates
  /** Input tokens that fit into the model's context. @default unknown */
  readonly contextWindow?: number
  /** The most output tokens that an answer can have, reasoning included. @default unknown */
  readonly maxOutput?: number
  /** Tokens from which on the provider's cache keeps a prompt. @default unknown */
  readonly cacheFrom?: number
  /** What it can do; what is not listed it cannot. @default unknown */
  readonly abilities?: readonly Ability[]
  /** The day from which on the provider does not serve it, `YYYY-MM-DD`. @default unknown */
  readonly retires?: string
}

/** Prices of many models, and where they come from. */
export interface PriceList {
  /** As of when. */
  readonly date: string
  readonly source: string
  /** By model id; also for ids that add a date to it (`gpt-4.1-mini-2025-04-14`). */
  readonly models: Readonly<Record<string, Price>>
}
