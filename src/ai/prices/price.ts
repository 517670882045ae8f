/** The shape of prices. */

/** US dollars per million tokens. */
export interface Rates {
  readonly input: number
  readonly output: number
  /** Input that is read from the provider's prompt cache. @default the price of input */
  readonly cachedInput?: number
  /** Input that is written into the prompt cache. @default 1.25 × the price of input, as Anthropic's */
  readonly cacheWrite?: number
  /** The same for a cache that lives for an hour. @default 2 × the price of input, as Anthropic's */
  readonly cacheWriteHour?: number
}

/** What a model costs, in dollars per million tokens. */
export interface Price extends Rates {
  /** Requests whose input is longer than `tokens`, as a whole. @default as all others */
  readonly above?: Rates & { readonly tokens: number }
  /** Requests that are preferred (`serviceTier: 'priority'`). @default 2 × */
  readonly priority?: Rates
  /** Requests that may wait (`serviceTier: 'flex'`). @default as all others */
  readonly flex?: Rates
  /** Tokens that fit into the model's context. @default unknown */
  readonly contextWindow?: number
  /** The most output tokens that an answer can have, reasoning included. @default unknown */
  readonly maxOutput?: number
}

/** Prices of many models, and where they come from. */
export interface PriceList {
  /** As of when. */
  readonly date: string
  readonly source: string
  /** By model id; also for ids that add a date to it (`gpt-4.1-mini-2025-04-14`). */
  readonly models: Readonly<Record<string, Price>>
}
