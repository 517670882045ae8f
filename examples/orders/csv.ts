/** Rows of CSV (RFC 4180), summed up by region. */

export interface Total {
  orders: number
  /** In cents: sums of whole numbers are exact in any order. */
  cents: number
  largest: number
}
/** By region. */
export type Totals = Record<string, Total>

const quote = 34
const comma = 44
const newline = 10
const carriageReturn = 13

/**
 * Adds the records (`id,region,"note",amount`) of a text to the totals.
 * @returns where the last record that is whole ends; records end with a newline
 */
export function addRecords(text: string, totals: Totals): number {
  let fields: string[] = []
  let at = 0
  let whole = 0
  while (at < text.length) {
    let end = at
    if (text.charCodeAt(at) === quote) {
      // A doubled quote stands for one, a comma or newline in quotes for itself.
      end = text.indexOf('"', at + 1)
      while (end !== -1 && text.charCodeAt(end + 1) === quote) end = text.indexOf('"', end + 2)
      if (end === -1) return whole
      fields.push(text.slice(at + 1, end).replaceAll('""', '"'))
      end++
    } else {
      let code = text.charCodeAt(end)
      while (end < text.length && code !== comma && code !== newline && code !== carriageReturn) code = text.charCodeAt(++end)
      fields.push(text.slice(at, end))
    }
    if (text.charCodeAt(end) === carriageReturn) end++
    if (end >= text.length) return whole
    at = end + 1
    if (text.charCodeAt(end) === newline) {
      addRecord(fields, totals)
      fields = []
      whole = at
    }
  }
  return whole
}

function addRecord(fields: readonly string[], totals: Totals): void {
  const [, region = '', , amount = ''] = fields
  const cents = Math.round(Number(amount) * 100)
  const total = (totals[region] ??= { orders: 0, cents: 0, largest: 0 })
  total.orders++
  total.cents += cents
  total.largest = Math.max(total.largest, cents)
}

export function mergeTotals(into: Totals, other: Totals): Totals {
  for (const [region, { orders, cents, largest }] of Object.entries(other)) {
    const total = (into[region] ??= { orders: 0, cents: 0, largest: 0 })
    total.orders += orders
    total.cents += cents
    total.largest = Math.max(total.largest, largest)
  }
  return into
}

export function table(totals: Totals): string {
  const rows = Object.entries(totals).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const euros = (cents: number): string => (cents / 100).toFixed(2)
  return rows
    .map(([region, { orders, cents, largest }]) =>
      [region, orders, euros(cents), euros(cents / orders), euros(largest)].join('\t'),
    )
    .join('\n')
}
