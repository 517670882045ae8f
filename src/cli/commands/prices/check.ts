/**
 * `heddle prices check`: whether the table is still right. Alone it looks at its age and at models that retire; with another table it says what
 * differs. Exit code 1 where something should be done.
 */
import { comparePrices, type PriceChanges, tableState, type TableState } from '../../../ai/prices/price-changes.ts'
import { counted } from '../../../base/counted.ts'
import { exitCodes } from '../../interface/exit-codes.ts'
import { UsageError } from '../../interface/usage-error.ts'
import { say, sayJson } from '../../terminal/say.ts'
import type { AskedPrices } from './asked.ts'
import { fetchTable } from './fetch-table.ts'

/** Lines of one kind. Chosen. */
const shownMost = 40

export async function check({ names: [source, extra], table, json, today }: AskedPrices): Promise<number> {
  if (extra !== undefined)
    throw new UsageError('Expected "heddle prices check" or "heddle prices check FILE|URL", got more than one table')
  const list = table()
  const state = tableState(list, today)
  const other = source === undefined ? undefined : await fetchTable(source, today)
  const changes = other && comparePrices(list, other)
  const right = !state.isOld && (changes === undefined || changes.changed.length === 0)
  if (json) sayJson(process.stdout, JSON.stringify({ ok: right, date: list.date, source: list.source, ...state, ...changes }))
  else {
    say(process.stdout, ...stateLines(state, list.source, list.date))
    if (changes) say(process.stdout, ...changeLines(changes, source as string))
  }
  return right ? exitCodes.ok : exitCodes.failed
}

function stateLines({ models, days, isOld, retired, retiring }: TableState, source: string, date: string): readonly string[] {
  const age = days === undefined ? `as of ${date}` : `as of ${date}, ${counted(days, 'day')} ago`
  return [
    `${counted(models, 'model')}, ${age}, from ${source}`,
    ...(isOld ? ['The table is old: heddle prices update https://models.dev/api.json'] : []),
    ...cut('not served any more', retired),
    ...cut('retire within 90 days', retiring),
  ]
}

function changeLines({ changed, added, missing, same }: PriceChanges, source: string): readonly string[] {
  return [
    `${source}: ${counted(same, 'model')} the same, ${changed.length} changed, ${added.length} new, ${missing.length} not there`,
    ...changed.slice(0, shownMost).map(({ model, what }) => `  ${model}: ${what}`),
    ...(changed.length > shownMost ? [`  … and ${changed.length - shownMost} more (--json has all)`] : []),
  ]
}

function cut(what: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return []
  const rest = names.length > shownMost ? ` … and ${names.length - shownMost} more` : ''
  return [`${what}: ${names.slice(0, shownMost).join(', ')}${rest}`]
}
