/** Text at the width of a terminal: lines break between words, and tables keep their columns. */
import { clipToWidth, displayWidth, padToWidth } from '../../base/display-width.ts'

/** What follows a break stands this far to the right of where its line began. */
const hanging = 2
/** The first column of a table is never cut below this. */
const labelLeast = 12
/** Of a line, where the table is cut into several. */
const labelShare = 0.45
const gap = '  '

/** Columns of a terminal; no bound for a file or a pipe. */
export function columnsOf(stream: { readonly isTTY?: boolean; readonly columns?: number }): number {
  return stream.isTTY === true && stream.columns !== undefined && stream.columns > 0 ? stream.columns : Infinity
}

/**
 * A line in pieces that fit, broken at spaces. A word that is longer than a line stays whole, so that paths and URLs can be copied.
 * @param at the column from which on the following pieces stand
 */
export function wrapLine(line: string, columns: number, at?: number): string[] {
  if (displayWidth(line) <= columns) return [line]
  const [indent = ''] = /^ */.exec(line) ?? []
  const next = ' '.repeat(Math.min(at ?? indent.length + hanging, columns >> 1))
  const lines: string[] = []
  let [text, width] = [indent, indent.length]
  // Spaces stay with the word before them: columns keep their distance as long as they fit.
  for (const [part, word = '', space = ''] of line.slice(indent.length).matchAll(/(\S+)( *)/g)) {
    const size = displayWidth(word)
    if (width + size > columns && width > (lines.length === 0 ? indent : next).length) {
      lines.push(text.trimEnd())
      ;[text, width] = [next, next.length]
    }
    text += part
    width += size + space.length
  }
  lines.push(text.trimEnd())
  return lines
}

/**
 * A table with its first row as headings: the first column to the left, numbers to the right. Where it is too wide, headings take several
 * rows, then the first column is cut, and what still does not fit follows below, beside the first column again.
 */
export function tableLines(table: readonly (readonly string[])[], columns = Infinity): string[] {
  const head = table[0] ?? []
  const body = table.slice(1)
  const headings = totalWidth(table, head) <= columns ? head.map((title) => [title]) : head.map((title) => title.split(' '))
  const widths = head.map((_, column) => {
    const cells = [...(headings[column] ?? []), ...body.map((row) => row[column] ?? '')]
    return Math.max(0, ...cells.map(displayWidth))
  })
  const [label = 0, ...others] = widths
  const rest = others.reduce((sum, width) => sum + gap.length + width, 0)
  // Beside what goes on below, names need not make room for all columns.
  const least = columns - rest < labelLeast ? Math.max(labelLeast, labelShare * columns) : labelLeast
  const first = Math.floor(Math.min(label, Math.max(least, columns - rest)))
  // Words in the last column take what is left.
  if (head.at(-1) === '' && others.length > 0) {
    const before = first + rest - (widths.at(-1) ?? 0)
    widths[widths.length - 1] = Math.min(widths.at(-1) ?? 0, Math.max(labelLeast, columns - before))
  }
  const blocks: number[][] = [[]]
  let used = first
  for (const [i, width] of widths.slice(1).entries()) {
    if (used + gap.length + width > columns && blocks.at(-1)?.length !== 0) {
      blocks.push([])
      used = first
    }
    blocks.at(-1)?.push(i + 1)
    used += gap.length + width
  }
  return blocks.flatMap((shown, block) => [
    ...(block > 0 ? [''] : []),
    ...rowLines(head, body, headings, [first, ...widths.slice(1)], [0, ...shown]),
  ])
}

function rowLines(
  head: readonly string[],
  body: readonly (readonly string[])[],
  headings: readonly (readonly string[])[],
  widths: readonly number[],
  shown: readonly number[],
): string[] {
  const high = Math.max(...shown.map((column) => headings[column]?.length ?? 0))
  const tops = Array.from({ length: high }, (_, line) =>
    head.map((__, column) => {
      const words = headings[column] ?? []
      return words[line - (high - words.length)] ?? ''
    }),
  )
  const last = head.length - 1
  return [...tops, ...body].map((row) =>
    shown
      .map((column) => {
        const width = widths[column] ?? 0
        const cell = row[column] ?? ''
        if (column === 0) return padToWidth(clipToWidth(cell, width), width)
        if (column === last && head[column] === '') return clipToWidth(cell, width)
        return ' '.repeat(Math.max(0, width - displayWidth(cell))) + cell
      })
      .join(gap)
      .trimEnd(),
  )
}

function totalWidth(table: readonly (readonly string[])[], head: readonly string[]): number {
  const widths = head.map((_, column) => Math.max(...table.map((row) => displayWidth(row[column] ?? ''))))
  return widths.reduce((sum, width) => sum + gap.length + width, -gap.length)
}
