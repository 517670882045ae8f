/** A table of prices on disk, as `heddle prices update` writes it and a program reads it. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { FileRefused } from '../../base/errors.ts'
import { largestTable, readPriceTable } from './price-formats.ts'
import type { Price, PriceList } from './prices.ts'

/** Where `heddle prices update` writes, and {@link loadPrices} reads, by default. */
export const priceFile = 'heddle-prices.json'

/**
 * The prices of a file: for the option `prices` of a pool. Reads it at once, so call it when the program starts.
 * @param path any table that `heddle prices update` takes. @default 'heddle-prices.json'
 * @throws {FileRefused} when it is not there, or not a table
 *
 * @example
 * const model = pool(openai('gpt-6'), { prices: loadPrices(), budget: budget({ usd: 2 }) })
 */
export function loadPrices(path: string = priceFile): Readonly<Record<string, Price>> {
  return readPriceTable(textOf(path), path, '').models
}

/** @throws {FileRefused} for what is not a regular file, or too large to be a table */
export function textOf(path: string): string {
  const hint = 'Fetch a table with "heddle prices update FILE|URL".'
  let stats: ReturnType<typeof statSync>
  try {
    stats = statSync(path)
  } catch (cause) {
    throw new FileRefused(`No table of prices at ${path}: ${(cause as Error).message}`, { cause, hint })
  }
  if (!stats.isFile()) throw new FileRefused(`No table of prices at ${path}: it is not a regular file`, { hint })
  if (stats.size > largestTable)
    throw new FileRefused(`No table of prices at ${path}: it has ${stats.size} bytes, and may have ${largestTable}`, { hint })
  return readFileSync(path, 'utf8')
}

/** Replaces the file as a whole: who reads meanwhile sees the old or the new one. */
export function savePrices(path: string, list: PriceList): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.new`
  const file = openSync(temporary, 'wx', 0o644)
  try {
    writeSync(file, `${JSON.stringify(list, null, 1)}\n`)
    fsyncSync(file)
    closeSync(file)
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}
