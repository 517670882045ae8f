/** Maps that workers made slower, of a module that did not consent to run on the caller's thread. */
import { counted } from '../../base/counted.ts'
import { formatMs } from '../../base/duration.ts'
import type { Fault, Facts } from './advice.ts'
import { notesOf } from '../explain/notes.ts'

export function contained({ related }: Facts): Fault[] {
  const byModule = new Map<string, { name: string; items: number; ms: number }>()
  for (const { data } of notesOf(related.trace, 'contained')) {
    const module = String(data.module)
    const sum = byModule.get(module) ?? { name: String(data.name), items: 0, ms: 0 }
    sum.items += Number(data.items)
    sum.ms += Number(data.ms)
    byModule.set(module, sum)
  }
  return [...byModule.values()].map(({ name, items, ms }) => ({
    rule: 'contained',
    where: name,
    message: `${name} went to workers, and would take less on this thread`,
    proof: [
      `${counted(items, 'item')} cost ${formatMs(ms)} more than the work in them takes, because their module did not consent to run here`,
    ],
    savingMs: ms,
    remedy: `if its functions may run on the caller's thread: workers(import.meta.url, { ${name} }, { inline: true })`,
  }))
}
