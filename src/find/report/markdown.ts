/** A report for a pull request. */
import type { Finding } from '../../findings/finding.ts'

/** `findings` as a Markdown table for a pull request. Never throws. */
export function markdown(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'Nothing found that runs one after the other without need.'
  const rows = findings.map(({ tier, rule, file, line, message, question, remedy }) =>
    [tier, rule, `${file}:${line}`, question ? `${message}. ${question}` : message, `\`${remedy}\``].map(cell).join(' | '),
  )
  return ['| tier | rule | place | what | instead |', '|---|---|---|---|---|', ...rows.map((row) => `| ${row} |`)].join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ')
}
