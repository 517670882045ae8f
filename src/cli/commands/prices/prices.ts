/** `heddle prices`: shows what models cost and can do, checks the table, takes over one that somebody publishes. */
import { existsSync } from 'node:fs'
import { type PriceList, priceLists } from '../../../ai/index.ts'
import { priceFile, textOf } from '../../../ai/prices/price-file.ts'
import { readPriceTable } from '../../../ai/prices/price-formats.ts'
import type { Invocation } from '../../interface/command-spec.ts'
import { UsageError } from '../../interface/usage-error.ts'
import type { AskedPrices } from './asked.ts'
import { check } from './check.ts'
import { show } from './show.ts'
import { update } from './update.ts'

const actions: Readonly<Record<string, (asked: AskedPrices) => number | Promise<number>>> = { show, check, update }

export async function command({ positionals, options }: Invocation): Promise<number> {
  const [action = '', ...names] = positionals
  const act = Object.hasOwn(actions, action) ? actions[action] : undefined
  if (!act)
    throw new UsageError(`Expected "heddle prices ${Object.keys(actions).join(' | ')}", got "${action}"`, {
      hint: 'heddle prices show gpt-4.1-mini; heddle prices update FILE|URL',
    })
  const text = (name: string): string | undefined => (typeof options[name] === 'string' ? options[name] : undefined)
  const today = new Date().toISOString().slice(0, 10)
  return act({
    names,
    table: () => tableOf(text('table'), today),
    output: text('output') ?? priceFile,
    json: options.json === true,
    today,
  })
}

/** The file that is named, else the one of this folder, else the built-in prices. */
function tableOf(path: string | undefined, today: string): PriceList {
  if (path === undefined && !existsSync(priceFile)) return priceLists[0] as PriceList
  const file = path ?? priceFile
  return readPriceTable(textOf(file), file, today)
}
