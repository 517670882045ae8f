/** Worker functions: each reads its own part of the file, so that no text crosses between threads. */
import { type FilePart, readPart, workers } from 'heddle'
import { addRecords, type Totals } from './csv.ts'

export const { tally } = workers(import.meta.url, {
  async tally(part: FilePart): Promise<Totals> {
    const totals: Totals = {}
    addRecords((await readPart(part)).toString(), totals)
    return totals
  },
})
