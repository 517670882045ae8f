/** Opening a journal, which loads what journals are made of: most programs have none. */
import { describe, InvalidOption } from '../base/errors.ts'
import { checkOptions } from '../base/options.ts'
import type { Journal } from './journal.ts'
import { type JournalOptions, journalRules } from './options.ts'

/**
 * Opens the journal at `path`, or begins one there. Only for several runs that share one: `map`, graphs and streams open their own when
 * `checkpoint` is a path.
 *
 * @example
 * await using journal = await openJournal('report.jsonl', { program: 'report' })
 * const pages = await map(urls, fetchPage, { checkpoint: journal.at('pages') })
 * const texts = await map(pages, summarize, { checkpoint: journal.at('texts') })
 *
 * @throws {JournalRefused} when it is damaged, of another program, version or options, or open elsewhere
 * @throws {JournalFailed} when it cannot be read or written
 * @throws {Unserializable} when `options` are not JSON
 */
export async function openJournal(path: string, options: JournalOptions): Promise<Journal> {
  if (typeof path !== 'string' || path === '')
    throw new InvalidOption(`Expected the path of a journal to be text that is not empty, got ${describe(path)}`)
  checkOptions<JournalOptions>(options, journalRules, 'openJournal')
  if (options.program === undefined) throw new InvalidOption('Expected `program` of openJournal to be given')
  const { Journal } = await import('./journal.ts')
  return Journal.open(path, options, true)
}
