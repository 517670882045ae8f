/** A table of prices from a file or an address, checked and bounded. */
import { boundedFetch, type PriceList } from '../../../ai/index.ts'
import { textOf } from '../../../ai/prices/price-file.ts'
import { largestTable, readPriceTable } from '../../../ai/prices/price-formats.ts'
import { FileRefused } from '../../../base/errors.ts'

const timeoutMs = 30_000

/** @param source a file or an address @param today the date of a table that has none @throws {FileRefused} */
export async function fetchTable(source: string, today: string): Promise<PriceList> {
  const text = /^https?:\/\//i.test(source) ? await download(source) : textOf(source)
  return readPriceTable(text, source, today)
}

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
