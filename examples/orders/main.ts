/** A table of orders by region, from a CSV file of any size, on all cores and in bounded memory. */
import { splitFile, stream } from 'heddle'
import { mergeTotals, table, type Totals } from './csv.ts'
import { tally } from './tally.ts'

export default async function main(file: string): Promise<string> {
  const parts = splitFile(file, { header: true, quote: '"' })
  const totals = await stream(parts)
    .map(tally)
    .reduce(mergeTotals, {} as Totals)
  return table(totals)
}
