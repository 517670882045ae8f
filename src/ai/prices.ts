/** What models cost: data with a date and a source. Providers change prices; pass your own for what you are billed. */

/** US dollars per million tokens. */
export interface Price {
  readonly input: number
  readonly output: number
  /** Input that is read from the provider's prompt cache. @default the price of input */
  readonly cachedInput?: number
}

export interface PriceList {
  /** As of when. */
  readonly date: string
  readonly source: string
  /** By model id; also for ids that add a date to it (`gpt-4.1-mini-2025-04-14`). */
  readonly models: Readonly<Record<string, Price>>
}

/** A few models that are used a lot. */
export const priceLists: readonly PriceList[] = [
  {
    date: '2025-10',
    source: 'https://openai.com/api/pricing, standard processing',
    models: {
      'gpt-5': { input: 1.25, output: 10, cachedInput: 0.125 },
      'gpt-5-mini': { input: 0.25, output: 2, cachedInput: 0.025 },
      'gpt-5-nano': { input: 0.05, output: 0.4, cachedInput: 0.005 },
      'gpt-4.1': { input: 2, output: 8, cachedInput: 0.5 },
      'gpt-4.1-mini': { input: 0.4, output: 1.6, cachedInput: 0.1 },
      'gpt-4.1-nano': { input: 0.1, output: 0.4, cachedInput: 0.025 },
      'gpt-4o': { input: 2.5, output: 10, cachedInput: 1.25 },
      'gpt-4o-mini': { input: 0.15, output: 0.6, cachedInput: 0.075 },
      'text-embedding-3-small': { input: 0.02, output: 0 },
      'text-embedding-3-large': { input: 0.13, output: 0 },
    },
  },
  {
    date: '2025-10',
    source: 'https://www.anthropic.com/pricing#api',
    models: {
      'claude-sonnet-4-5': { input: 3, output: 15, cachedInput: 0.3 },
      'claude-haiku-4-5': { input: 1, output: 5, cachedInput: 0.1 },
      'claude-opus-4-1': { input: 15, output: 75, cachedInput: 1.5 },
    },
  },
]

/** The price of a model: the caller's own first; undefined when nobody knows it. */
export function priceOf(modelId: string, own: Readonly<Record<string, Price>> = {}): Price | undefined {
  const lists = [own, ...priceLists.map((list) => list.models)]
  for (const models of lists) if (Object.hasOwn(models, modelId)) return models[modelId]
  const undated = modelId.replace(/-\d{4}-?\d{2}-?\d{2}$/, '')
  return undated === modelId ? undefined : priceOf(undated, own)
}

/** In US dollars. */
export function costOf(
  price: Price,
  usage: { readonly input: number; readonly cached: number; readonly output: number },
): number {
  const cachedPrice = price.cachedInput ?? price.input
  const fresh = Math.max(0, usage.input - usage.cached)
  return (fresh * price.input + usage.cached * cachedPrice + usage.output * price.output) / 1e6
}
