/**
 * Prices of models: data with a date and a source. Providers change prices; pass your own for what you are billed, or refresh the table
 * (`heddle prices update`).
 */
import { describe, InvalidOption } from '../../base/errors.ts'
import type { Usage } from '../model/sdk-model.ts'
import { builtIn } from './price-table.ts'
import type { Ability, Price, PriceList, Rates, TierRates } from './price.ts'

export type { Ability, Price, PriceList, Rates, TierRates }

/** The built-in tables, the first first. */
export const priceLists: readonly PriceList[] = [builtIn]

/**
 * The price of a model: the caller's `own` first; undefined when nobody knows it. Never throws.
 *
 * @param modelId as the provider calls it; a date at its end may be missing from the tables
 */
export function priceOf(modelId: string, own: Readonly<Record<string, Price>> = {}): Price | undefined {
  for (const name of namesOf(modelId))
    for (const models of [own, ...priceLists.map((list) => list.models)]) if (Object.hasOwn(models, name)) return models[name]
  return undefined
}

/**
 * Names that the price of a model may stand under, the most exact first. Dates, versions, and what clouds and gateways put around a name are
 * left off; nothing else is, for `gpt-4o-mini` is not `gpt-4o`, a fine-tuned model has prices of its own, and `:free` is another offer.
 */
function* namesOf(modelId: string): Generator<string> {
  if (modelId.length > 200 || modelId.startsWith('ft:')) return void (yield modelId)
  const seen = new Set<string>()
  // `openrouter/anthropic/claude…`, `us.anthropic.claude…`, `models/gemini…`, `accounts/x/models/y`.
  const bare = modelId
    .slice(modelId.lastIndexOf('/') + 1)
    .replace(/^(?:(?:us|eu|apac|global|au|jp)\.)?[a-z0-9]{1,20}\.(?=[a-z])/, '')
  for (const name of [modelId, bare]) {
    const versioned = name.replace(/-v\d{1,2}(?::\d{1,2})?$/, '')
    const undated = versioned.replace(
      /[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4}-\d{2}|\d{2}-\d{4}|\d{2}-\d{2}|\d{4}|\d{3}|latest|default)$/,
      '',
    )
    const released = undated.replace(/-(?:preview|exp)$/, '')
    for (const one of [name, versioned, undated, released, released.replaceAll(/(\d)\.(\d)/g, '$1-$2'), `${released}-latest`])
      if (!seen.has(one)) {
        seen.add(one)
        yield one
      }
  }
}

const rateNames = ['input', 'output', 'reasoning', 'cachedInput', 'cacheWrite', 'cacheWriteHour'] as const
const tiers = ['priority', 'flex', 'batch'] as const
const wholeNumbers = ['contextWindow', 'maxOutput', 'cacheFrom', 'tokens'] as const
const knownNames = new Set<string>([
  ...rateNames,
  ...tiers,
  'above',
  'contextWindow',
  'maxOutput',
  'cacheFrom',
  'abilities',
  'retires',
])
const tierNames = new Set<string>([...rateNames, 'above'])
export const abilities: ReadonlySet<string> = new Set<Ability>([
  'tools',
  'parallel-tools',
  'images',
  'files',
  'audio',
  'video',
  'schema',
  'reasoning',
  'prompt-cache',
])

/** @throws {InvalidOption} for a price that is incomplete or no price: no sum could be reckoned with it */
export function checkPrices(prices: Readonly<Record<string, unknown>> | undefined): void {
  for (const [model, price] of Object.entries(prices ?? {})) checkPrice(`the price of ${model}`, price, knownNames)
}

function checkPrice(what: string, price: unknown, known: ReadonlySet<string>): void {
  if (typeof price !== 'object' || price === null)
    throw new InvalidOption(`Expected ${what} to be an object, got ${describe(price)}`)
  const given = price as Record<string, unknown>
  for (const name of Object.keys(given))
    if (!known.has(name)) throw new InvalidOption(`Unknown field \`${name}\` in ${what}; it knows ${[...known].join(', ')}`)
  for (const name of rateNames) {
    const value = given[name]
    if (value === undefined && name !== 'input' && name !== 'output') continue
    if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) continue
    throw new InvalidOption(`Expected ${what} to have \`${name}\`, a number from 0 up, got ${describe(value)}`, {
      hint: 'Prices are US dollars per million tokens: { input: 0.4, output: 1.6 }.',
    })
  }
  for (const name of wholeNumbers) {
    const value = given[name]
    if (value !== undefined && !(Number.isInteger(value) && (value as number) > 0))
      throw new InvalidOption(`Expected \`${name}\` in ${what} to be a whole number from 1 up, got ${describe(value)}`)
  }
  checkAbilities(what, given)
  const isTier = known === tierNames
  if (given.above !== undefined)
    checkPrice(`\`above\` of ${what}`, given.above, new Set(isTier ? rateNames : [...rateNames, 'tokens']))
  for (const name of tiers) if (given[name] !== undefined) checkPrice(`\`${name}\` of ${what}`, given[name], tierNames)
}

function checkAbilities(what: string, { abilities: given, retires }: Record<string, unknown>): void {
  if (given !== undefined) {
    const wrong = Array.isArray(given) ? given.find((one) => !abilities.has(one as string)) : given
    if (wrong !== undefined)
      throw new InvalidOption(
        `Expected \`abilities\` in ${what} to be a list of ${[...abilities].join(', ')}, got ${describe(wrong)}`,
      )
  }
  if (retires !== undefined && !(typeof retires === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(retires)))
    throw new InvalidOption(`Expected \`retires\` in ${what} to be a day such as '2027-01-14', got ${describe(retires)}`)
}

/** OpenAI's priority processing costs 1.75 to 2 times as much, Anthropic's fast mode 6 times. */
const tierFactors: Readonly<Record<string, number>> = { priority: 2, fast: 6 }

/** What applies to a request, and how many times. */
function ratesOf(price: Price, tier: string | undefined, input: number): readonly [Rates, number] {
  const isLong = price.above !== undefined && input > price.above.tokens
  const own = tier === 'priority' || tier === 'flex' || tier === 'batch' ? price[tier] : undefined
  if (own) return [isLong && own.above ? own.above : own, 1]
  const factor = tier !== undefined && Object.hasOwn(tierFactors, tier) ? (tierFactors[tier] as number) : 1
  return [isLong && price.above ? price.above : price, factor]
}

/** In US dollars. */
export function costOf(price: Price, usage: Usage): number {
  const [rates, factor] = ratesOf(price, usage.tier, usage.input)
  const { input, output, cachedInput = input, cacheWrite = 1.25 * input, cacheWriteHour = 2 * input } = rates
  const { cached, written = 0, writtenForHour = 0 } = usage
  const fresh = Math.max(0, usage.input - cached - written)
  const inputUsd =
    fresh * input + cached * cachedInput + (written - writtenForHour) * cacheWrite + writtenForHour * cacheWriteHour
  const thought = Math.min(usage.output, usage.reasoning ?? 0)
  const outputUsd = (usage.output - thought) * output + thought * (rates.reasoning ?? output)
  return (factor * (inputUsd + outputUsd)) / 1e6
}

/** The most that a number of tokens can cost. @param writes whether the input may be written into a cache */
export function mostOf(
  price: Price,
  input: number,
  output: number,
  tier: string | undefined,
  writes: 'no' | 'yes' | 'hour',
): number {
  const usage: Usage = { input, cached: 0, output, tier }
  const written = { ...usage, written: input, writtenForHour: writes === 'hour' ? input : 0 }
  const thought = { ...usage, reasoning: output }
  // A longer input than estimated would be dearer as a whole, but the estimate is the most already.
  return Math.max(
    costOf(price, usage),
    costOf(price, thought),
    writes === 'no' ? 0 : costOf(price, { ...written, reasoning: output }),
  )
}
