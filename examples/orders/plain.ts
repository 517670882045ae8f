/** The same on one thread, a piece of the file after the other. */
import { createReadStream } from 'node:fs'
import { addRecords, table, type Totals } from './csv.ts'

export default async function main(file: string): Promise<string> {
  const totals: Totals = {}
  let text = ''
  let header = true
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 4 << 20 })) {
    text += String(chunk)
    if (header) text = text.slice(text.indexOf('\n') + 1)
    header = false
    text = text.slice(addRecords(text, totals))
  }
  return table(totals)
}
