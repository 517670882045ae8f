/** Rows under a head, in columns; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  const numeric = head.map((_, column) => rows.every((row) => /^[\d.,$]*$/.test(row[column] ?? '')))
  return all.map((row) =>
    `  ${row.map((cell, column) => (numeric[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ')}`.trimEnd(),
  )
}
