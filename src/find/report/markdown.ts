/** A report for a pull request. */
import type { CodeFinding } from '../../findings/finding.ts'

/** `findings` as a Markdown table for a pull request. Never throws. */
export function markdown(findings: readonly CodeFinding[]): string {
  if (findings.length === 0) return 'Nothing found that runs one after the other without need.'
  const rows = findings.map(({ tier, rule, file, line, message, question, remedy }) =>
    [tier, rule, code(`${file}:${line}`), words(question ? `${message}. ${question}` : message), code(remedy)].join(' | '),
  )
  return ['| tier | rule | place | what | instead |', '|---|---|---|---|---|', ...rows.map((row) => `| ${row} |`)].join('\n')
}

/** What a stranger's code is called must not become an image, a link, markup or a mention in a pull request. */
function words(text: string): string {
  return oneCell(text.replace(/[&<>@]/g, (letter) => `&#${letter.charCodeAt(0)};`).replace(/[[\]!*_~\\]/g, '\\$&'))
}

/** Between more backticks than it has in a row. */
function code(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  const space = longest > 0 ? ' ' : ''
  return oneCell(`${fence}${space}${text}${space}${fence}`)
}

function oneCell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ')
}
