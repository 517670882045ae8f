/** `heddle prices update`: takes over a table, checked, for `loadPrices()` of `heddle/ai`. */
import { savePrices, priceFile } from '../../../ai/prices/price-file.ts'
import { counted } from '../../../base/counted.ts'
import { exitCodes } from '../../interface/exit-codes.ts'
import { UsageError } from '../../interface/usage-error.ts'
import { say, sayJson } from '../../terminal/say.ts'
import { fetchTable } from './fetch-table.ts'
import type { AskedPrices } from './asked.ts'

export async function update({ names: [source, extra], output, json, today }: AskedPrices): Promise<number> {
  if (source === undefined || extra !== undefined)
    throw new UsageError(`Expected "heddle prices update FILE|URL", got ${source === undefined ? 'no table' : 'more than one'}`)
  const list = await fetchTable(source, today)
  savePrices(output, list)
  const models = Object.keys(list.models).length
  if (json) sayJson(process.stdout, JSON.stringify({ file: output, date: list.date, source: list.source, models }))
  else
    say(
      process.stdout,
      `${output}: ${counted(models, 'model')}, as of ${list.date}`,
      `Use it with: pool(model, { prices: loadPrices(${output === priceFile ? '' : JSON.stringify(output)}) })`,
    )
  return exitCodes.ok
}
