/** Rows of a table of text (RFC 4180), with commas, semicolons or tabs. */

export interface Row {
  readonly cells: readonly string[]
  /** Where it begins, from 1. */
  readonly line: number
}

/** Rows without the empty ones. A quote that is never closed takes the rest of the file. */
export function csvRows(text: string, delimiter = delimiterOf(text)): Row[] {
  const rows: Row[] = []
  let [cells, cell, line, begun]: [string[], string, number, number] = [[], '', 1, 1]
  let quoted = false
  const endRow = (): void => {
    cells.push(cell)
    if (cells.some((value) => value.trim() !== '')) rows.push({ cells: cells.map((value) => value.trim()), line: begun })
    ;[cells, cell] = [[], '']
  }
  for (let at = text.startsWith('\uFEFF') ? 1 : 0; at < text.length; at++) {
    const character = text[at] as string
    if (character === '\n') line++
    if (quoted) {
      if (character !== '"') cell += character
      else if (text[at + 1] === '"') cell += text[at++]
      else quoted = false
    } else if (character === '"' && cell.trim() === '') [quoted, cell] = [true, '']
    else if (character === delimiter) {
      cells.push(cell)
      cell = ''
    } else if (character === '\n') {
      endRow()
      begun = line
    } else if (character !== '\r') cell += character
  }
  endRow()
  return rows
}

/** The one that splits the first line into the most cells. */
function delimiterOf(text: string): string {
  const first = text.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#')) ?? ''
  const count = (delimiter: string): number => first.split(delimiter).length
  return [',', ';', '\t'].reduce((best, each) => (count(each) > count(best) ? each : best))
}

export function csvCell(text: string): string {
  // A spreadsheet takes what begins like this for a formula.
  const safe = /^[=@\t\r]/.test(text) ? `'${text}` : text
  return /[",;\t\n\r]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
