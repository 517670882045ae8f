/** `heddle prices update`: takes over a table of prices that somebody publishes, checked, for `loadPrices()` of `heddle/ai`. */
import { counted } from '../../base/counted.ts'
import { boundedFetch, type PriceList } from '../../ai/index.ts'
import { priceFile, savePrices, textOf } from '../../ai/prices/price-file.ts'
import { largestTable, readPriceTable } from '../../ai/prices/price-formats.ts'
import { FileRefused } from '../../base/errors.ts'
import type { Invocation } from '../interface/command-spec.ts'
import { exitCodes } from '../interface/exit-codes.ts'
import { UsageError } from '../interface/usage-error.ts'

const timeoutMs = 30_000

export async function command({ positionals, options }: Invocation): Promise<number> {
  const [action, source] = positionals
  if (action !== 'update' || source === undefined)
    throw new UsageError(`Expected "heddle prices update FILE|URL", got "${action ?? ''}"`)
  const output = typeof options.output === 'string' ? options.output : priceFile
  const today = new Date().toISOString().slice(0, 10)
  const text = /^https?:\/\//i.test(source) ? await download(source) : textOf(source)
  const list = readPriceTable(text, source, today)
  savePrices(output, list)
  if (options.json === true)
    console.log(JSON.stringify({ file: output, date: list.date, source: list.source, models: count(list) }))
  else
    console.log(
      `${output}: ${counted(count(list), 'model')}, as of ${list.date}\nUse it with: pool(model, { prices: loadPrices(${output === priceFile ? '' : JSON.stringify(output)}) })`,
    )
  return exitCodes.ok
}

function count({ models }: PriceList): number {
  return Object.keys(models).length
}

/** @throws {FileRefused} */
async function download(url: string): Promise<string> {
  try {
    const response = await boundedFetch({ maxBytes: largestTable })(url, { signal: AbortSignal.timeout(timeoutMs) })
    if (response.ok) return await response.text()
    throw new Error(`the server answered with ${response.status}`)
  } catch (cause) {
    const why = (cause as Error).cause instanceof Error ? ((cause as Error).cause as Error).message : (cause as Error).message
    throw new FileRefused(`No table of prices from ${new URL(url).origin}: ${why}`, {
      cause,
      hint: 'Download it yourself, and pass the file.',
    })
  }
}
