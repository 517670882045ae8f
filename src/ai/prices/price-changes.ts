/** What has become of a table of prices: its age, models that retire, and what differs in another one. Pure. */
import { type Price, type PriceList, priceOf } from './prices.ts'

/** The state of a table on a day. */
export interface TableState {
  readonly models: number
  /** Undefined where its date is not one. */
  readonly days: number | undefined
  readonly isOld: boolean
  readonly retired: readonly string[]
  readonly retiring: readonly string[]
}

/** How another table differs. */
export interface PriceChanges {
  /** The same models, with other prices. */
  readonly changed: readonly { readonly model: string; readonly what: string }[]
  /** Models of the other table alone. */
  readonly added: readonly string[]
  /** Models of this table alone. */
  readonly missing: readonly string[]
  readonly same: number
}

const dayMs = 86_400_000
/** Providers change some price about every quarter. Chosen. */
const oldDays = 90

/** @param today `YYYY-MM-DD` */
export function tableState({ models, date }: PriceList, today: string): TableState {
  const age = Math.round((Date.parse(today) - Date.parse(date)) / dayMs)
  const days = Number.isNaN(age) ? undefined : Math.max(0, age)
  const soon = new Date(Date.parse(today) + oldDays * dayMs).toISOString().slice(0, 10)
  const dated = Object.entries(models).filter(([, { retires }]) => retires !== undefined)
  return {
    models: Object.keys(models).length,
    days,
    isOld: days === undefined || days > oldDays,
    retired: dated.filter(([, { retires = '' }]) => retires <= today).map(([model]) => model),
    retiring: dated.filter(([, { retires = '' }]) => retires > today && retires <= soon).map(([model]) => model),
  }
}

const compared = ['input', 'output', 'reasoning', 'cachedInput', 'cacheWrite', 'contextWindow', 'maxOutput'] as const

/** What the other table says of the models of this one. What only one of them knows of a model is not a change. */
export function comparePrices(ours: PriceList, theirs: PriceList): PriceChanges {
  const changed: { model: string; what: string }[] = []
  const missing: string[] = []
  let same = 0
  for (const [model, price] of Object.entries(ours.models)) {
    const other = Object.hasOwn(theirs.models, model) ? theirs.models[model] : undefined
    if (!other) {
      missing.push(model)
      continue
    }
    const what = differences(price, other)
    if (what === '') same++
    else changed.push({ model, what })
  }
  return { changed, added: Object.keys(theirs.models).filter((model) => !priceOf(model, ours.models)), missing, same }
}

function differences(ours: Price, theirs: Price): string {
  const found: string[] = []
  const look = (name: string, a: number | undefined, b: number | undefined): void => {
    if (a !== undefined && b !== undefined && Math.abs(a - b) > 1e-9 * Math.max(a, b)) found.push(`${name} ${a} → ${b}`)
  }
  for (const name of compared) look(name, ours[name], theirs[name])
  for (const tier of ['batch', 'flex', 'priority'] as const)
    for (const name of ['input', 'output'] as const) look(`${tier} ${name}`, ours[tier]?.[name], theirs[tier]?.[name])
  return found.join(', ')
}
