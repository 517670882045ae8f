import { appendFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import type { Explanation } from '../../trace/index.ts'
import { errorSummary } from './report-error.ts'
import { readable, readableLine } from '../../base/readable.ts'
import { failedWith, type Outcome } from './report-run.ts'
import { StreamReporter } from './stream.ts'

/** Plain lines, an annotation at the line that failed, and the verdict in the summary of the job. */
export class GithubReporter extends StreamReporter {
  override end(explanation: Explanation, outcome: Outcome): void {
    super.end(explanation, outcome)
    if (failedWith(outcome)) process.stderr.write(`${annotation(outcome.error)}\n`)
    const summary = process.env.GITHUB_STEP_SUMMARY
    if (summary) writeSummary(summary, explanation, outcome)
  }
}

/** A workflow command; see "Workflow commands for GitHub Actions", section on error messages. */
export function annotation(error: unknown): string {
  const { name, message, at, hint } = errorSummary(error)
  const [, file, line] = /^(.*):(\d+)$/.exec(at ?? '') ?? []
  const place = file === undefined ? '' : `file=${property(inRepository(file))},line=${line},`
  return `::error ${place}title=${property(name)}::${escape(hint === undefined ? message : `${message}\nhint: ${hint}`)}`
}

/** A path as annotations want it: from the root of the repository, not from where the program was started. */
function inRepository(file: string): string {
  const root = process.env.GITHUB_WORKSPACE
  if (!root) return file
  const path = relative(root, resolve(file))
  return path.startsWith('..') ? file : path.replaceAll('\\', '/')
}

const escape = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('##[', '## [')
const property = (text: string): string => escape(text).replaceAll(':', '%3A').replaceAll(',', '%2C')

/** Text as it is, on one line: names and messages may hold markup, such as an image from elsewhere. */
function markdown(text: string): string {
  return readableLine(text).replace(/[\\`*_[\]<>|~#!&]/g, '\\$&')
}

function codeBlock(text: string): string[] {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return [fence, ...readable(text).split('\n'), fence].map((line) => `  ${line}`)
}

function writeSummary(file: string, { verdict, advice }: Explanation, outcome: Outcome): void {
  const lines = ['### heddle', '']
  if (failedWith(outcome)) {
    const { name, message, at } = errorSummary(outcome.error)
    lines.push(`- **failed**: ${markdown(`${name}: ${message.split('\n')[0]}${at === undefined ? '' : ` (${at})`}`)}`)
  }
  lines.push(...verdict.map((line) => `- ${markdown(line)}`))
  for (const { message, proof, remedy } of advice)
    lines.push(`- **${markdown(message)}**: ${markdown(proof.join('; '))}`, '', ...codeBlock(remedy))
  try {
    appendFileSync(file, `${lines.join('\n')}\n`)
  } catch {
    // The summary is extra; a folder that cannot be written does not fail the program.
  }
}
