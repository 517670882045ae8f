/**
 * Tables of prices that others publish, read into ours: litellm's `model_prices_and_context_window.json`, models.dev's `api.json`,
 * OpenRouter's list of models, and our own. Everything that is read is checked and bounded, because it comes from outside.
 */
import { describe, FileRefused } from '../../base/errors.ts'
import { type Ability, checkPrices, type Price, type PriceList, type Rates, type TierRates } from './prices.ts'

/** Bytes of a table. litellm's has 1.5 MB. Chosen. */
export const largestTable = 16 * 2 ** 20
/** Models of a table: litellm's has 3,000. Chosen. */
const mostModels = 20_000
/** Dollars per million tokens. The dearest model so far costs 600. Chosen. */
const dearest = 1e5

type Fields = Readonly<Record<string, unknown>>

/**
 * The table in a text. Models without a price per token (images, speech) are left out.
 * @throws {FileRefused} when it is not a table, or one without a model
 */
export function readPriceTable(text: string, source: string, date: string): PriceList {
  if (text.length > largestTable) throw refused(source, `it has ${text.length} characters, and may have ${largestTable}`)
  const table = parsed(text, source)
  const found = new Map<string, Price>()
  for (const [id, price] of rowsOf(table)) {
    if (id === '' || id.length > 200 || !isPrice(price)) continue
    // The first to name a model keeps it: models.dev lists the same model of many resellers.
    if (!found.has(id)) found.set(id, price)
    if (found.size > mostModels) throw refused(source, `it has more than ${mostModels} models`)
  }
  if (found.size === 0) throw refused(source, 'it has no model with a price for input and output')
  const own = isOwn(table)
  return {
    date: own && typeof table.date === 'string' ? table.date.slice(0, 40) : date,
    source: own && typeof table.source === 'string' ? table.source.slice(0, 400) : source,
    models: Object.fromEntries(found),
  }
}

function refused(source: string, why: string): FileRefused {
  return new FileRefused(`No table of prices in ${source}: ${why}`, {
    hint: 'Known are the tables of heddle, litellm (model_prices_and_context_window.json), models.dev (api.json) and OpenRouter (/api/v1/models).',
  })
}

function parsed(text: string, source: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw refused(source, `it is not JSON (${(cause as Error).message.slice(0, 100)})`)
  }
  if (isFields(value)) return value
  throw refused(source, `expected an object, got ${describe(value)}`)
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOwn(table: Fields): table is Fields & { readonly models: Fields } {
  return isFields(table.models) && !('cost' in table)
}

function* rowsOf(table: Fields): Generator<readonly [id: string, price: unknown]> {
  if (isOwn(table)) yield* Object.entries(table.models)
  else if (Array.isArray(table.data)) for (const row of table.data) yield* openRouter(row)
  else
    for (const [id, row] of Object.entries(table)) {
      if (!isFields(row)) continue
      if (isFields(row.models)) for (const [model, entry] of Object.entries(row.models)) yield* modelsDev(model, entry)
      else if ('input_cost_per_token' in row) yield [id, litellm(row)]
    }
}

function isPrice(price: unknown): price is Price {
  try {
    checkPrices({ model: price })
    return (
      Object.values(price as object).every((value) => typeof value !== 'number' || value <= 1e9) &&
      (price as Price).input <= dearest
    )
  } catch {
    return false
  }
}

/** Leaves out what is not there. */
function withoutGaps<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

/** Dollars per million, without the tail of a binary fraction. */
function perMillion(value: unknown): number | undefined {
  const perToken = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof perToken === 'number' && perToken >= 0 ? Number((perToken * 1e6).toPrecision(12)) : undefined
}

function whole(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) > 0 ? (value as number) : undefined
}

const litellmAbilities: readonly (readonly [field: string, ability: Ability])[] = [
  ['supports_function_calling', 'tools'],
  ['supports_parallel_function_calling', 'parallel-tools'],
  ['supports_vision', 'images'],
  ['supports_pdf_input', 'files'],
  ['supports_audio_input', 'audio'],
  ['supports_video_input', 'video'],
  ['supports_response_schema', 'schema'],
  ['supports_reasoning', 'reasoning'],
  ['supports_prompt_caching', 'prompt-cache'],
]

function litellm(row: Fields): unknown {
  const rates = (suffix: string): Rates | undefined => {
    const [input, output] = [perMillion(row[`input_cost_per_token${suffix}`]), perMillion(row[`output_cost_per_token${suffix}`])]
    if (input === undefined) return undefined
    const reasoning = perMillion(row[`output_cost_per_reasoning_token${suffix}`])
    return withoutGaps({
      input,
      // Embeddings have no output. Other models without it are refused where they are checked.
      output: output ?? (suffix === '' && row.mode === 'embedding' ? 0 : undefined),
      reasoning: reasoning === output ? undefined : reasoning,
      cachedInput: perMillion(row[`cache_read_input_token_cost${suffix}`]),
      cacheWrite: perMillion(row[`cache_creation_input_token_cost${suffix}`]),
      cacheWriteHour: perMillion(row[`cache_creation_input_token_cost_above_1hr${suffix}`]),
    }) as Rates
  }
  const above = [32, 100, 128, 200, 256, 272, 512]
    .map((thousands) => ({ tokens: thousands * 1_000, suffix: `_above_${thousands}k_tokens` }))
    .find(({ suffix }) => complete(rates(suffix)))
  const tier = (suffix: string): TierRates | undefined => {
    const own = complete(rates(suffix))
    const long = above && complete(rates(`${above.suffix}${suffix}`))
    return own && { ...own, ...(long && { above: long }) }
  }
  return withoutGaps({
    ...rates(''),
    above: above && { tokens: above.tokens, ...rates(above.suffix) },
    priority: tier('_priority'),
    flex: tier('_flex'),
    batch: tier('_batches'),
    contextWindow: whole(row.max_input_tokens),
    maxOutput: whole(row.max_output_tokens),
    cacheFrom: whole(row.prompt_cache_min_tokens),
    abilities: litellmAbilitiesOf(row),
    retires: day(row.deprecation_date),
  })
}

/** An ability on which the row is silent is unknown, not missing. */
function litellmAbilitiesOf(row: Fields): readonly Ability[] | undefined {
  if (row.mode === 'embedding' || !litellmAbilities.some(([field]) => typeof row[field] === 'boolean')) return undefined
  return litellmAbilities.flatMap(([field, ability]) => (row[field] === true ? [ability] : []))
}

function day(value: unknown): string | undefined {
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : undefined
}

function complete(rates: Rates | undefined): Rates | undefined {
  return rates?.output === undefined ? undefined : rates
}

function* modelsDev(id: string, entry: unknown): Generator<readonly [string, unknown]> {
  if (!isFields(entry) || !isFields(entry.cost)) return
  const { input, output, reasoning, cache_read: cachedInput, cache_write: cacheWrite } = entry.cost
  const limit = isFields(entry.limit) ? entry.limit : {}
  yield [
    id,
    withoutGaps({
      input,
      output,
      reasoning: reasoning === output ? undefined : reasoning,
      cachedInput,
      cacheWrite,
      contextWindow: whole(limit.context),
      maxOutput: whole(limit.output),
      abilities: modelsDevAbilities(entry),
    }),
  ]
}

function modelsDevAbilities(entry: Fields): readonly Ability[] | undefined {
  const modalities =
    isFields(entry.modalities) && Array.isArray(entry.modalities.input) ? (entry.modalities.input as unknown[]) : []
  if (typeof entry.tool_call !== 'boolean' || modalities.length === 0 || typeof entry.structured_output !== 'boolean')
    return undefined
  const found: readonly (readonly [unknown, Ability])[] = [
    [entry.tool_call, 'tools'],
    [entry.tool_call, 'parallel-tools'],
    [modalities.includes('image'), 'images'],
    [modalities.includes('pdf'), 'files'],
    [modalities.includes('audio'), 'audio'],
    [modalities.includes('video'), 'video'],
    [entry.structured_output, 'schema'],
    [entry.reasoning, 'reasoning'],
  ]
  return found.flatMap(([has, ability]) => (has === true ? [ability] : []))
}

function* openRouter(row: unknown): Generator<readonly [string, unknown]> {
  if (!isFields(row) || typeof row.id !== 'string' || !isFields(row.pricing)) return
  const { prompt, completion, internal_reasoning: thought, input_cache_read: read, input_cache_write: write } = row.pricing
  const provider = isFields(row.top_provider) ? row.top_provider : {}
  const reasoning = perMillion(thought)
  yield [
    row.id,
    withoutGaps({
      input: perMillion(prompt),
      output: perMillion(completion),
      // It says 0 where thinking costs what output costs.
      reasoning: reasoning === 0 || reasoning === perMillion(completion) ? undefined : reasoning,
      cachedInput: perMillion(read),
      cacheWrite: perMillion(write),
      contextWindow: whole(row.context_length),
      maxOutput: whole(provider.max_completion_tokens),
    }),
  ]
}
