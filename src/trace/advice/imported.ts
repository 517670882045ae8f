/** What an analysis of another system's spans found, which the imported trace carries as notes. */
import type { Fault, Facts } from './advice.ts'
import { notesOf } from '../explain/notes.ts'

/** Kind of such a note; its data are the fields of a fault, without the rule. */
export const findingNote = 'finding'

/** More than this nobody reads in one place; the terminal has all. */
const mostShown = 12

export function sequences({ related }: Facts): Fault[] {
  return notesOf(related.trace, findingNote)
    .slice(0, mostShown)
    .map(({ text, data }) => ({
      rule: 'calls-in-sequence',
      where: String(data['where'] ?? ''),
      message: text,
      proof: String(data['proof'] ?? '').split('\n'),
      savingMs: typeof data['savingMs'] === 'number' ? data['savingMs'] : 0,
      remedy: String(data['remedy'] ?? ''),
    }))
}
