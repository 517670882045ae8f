/** What `heddle run` says at the end: the verdict, what to do, and the failure, which stands last. */
import { formatMs } from '../base/duration.ts'
import type { Advice, Explanation } from '../trace/index.ts'
import { exitCodes } from './exit-codes.ts'
import { errorLines, errorSummary } from './report-error.ts'
import { paint } from './paint.ts'

export interface Outcome {
  /** Exit code of the process. */
  readonly code: number
  /** What the default export gave. */
  readonly value?: unknown
  /** What made the program fail. */
  readonly error?: unknown
}

export function writeReport(stream: NodeJS.WriteStream, explanation: Explanation, outcome: Outcome): void {
  const lines = ['', ...verdictLines(stream, explanation)]
  if ('error' in outcome && !wasInterrupted(outcome)) lines.push('', ...errorLines(outcome.error, stream))
  stream.write(`${lines.join('\n')}\n`)
}

/** More than two suggestions are none: people do the first. The rest stands in `heddle trace FILE`. */
const suggestionsShown = 2

/** The verdict, then the suggestions that would save most. */
export function verdictLines(stream: NodeJS.WriteStream, { verdict, advice }: Explanation): string[] {
  const { bold, dim } = paint(stream)
  return [
    ...verdict.map((line, i) => (i === 0 ? bold(line) : line)),
    ...advice.slice(0, suggestionsShown).flatMap((one) => ['', ...adviceLines(stream, one)]),
    ...(advice.length > suggestionsShown
      ? [dim(`and ${advice.length - suggestionsShown} more: heddle run --trace FILE …, then heddle trace FILE`)]
      : []),
  ]
}

export function adviceLines(stream: NodeJS.WriteStream, { title, evidence, savingMs, suggestion }: Advice): string[] {
  const { cyan, dim, yellow } = paint(stream)
  const saving = savingMs > 0 ? ` (could save about ${formatMs(savingMs)})` : ''
  return [`${yellow(title)}${saving}`, dim(`  ${evidence}`), `  ${cyan('→')} ${suggestion}`]
}

export function writeJson(write: (text: string) => unknown, explanation: Explanation, outcome: Outcome): void {
  const { verdict, wallMs, work, speedup, spanMs, parallelism, criticalPath, bound, idle, groups, advice } = explanation
  const failed = 'error' in outcome && !wasInterrupted(outcome)
  const document = {
    ok: outcome.code === exitCodes.ok,
    exitCode: outcome.code,
    ...('value' in outcome && { value: outcome.value }),
    ...(failed && { error: errorSummary(outcome.error) }),
    verdict,
    wallMs,
    work,
    speedup,
    spanMs,
    parallelism,
    criticalPath: { ms: criticalPath.ms, bound },
    idle,
    groups,
    advice,
  }
  write(`${JSON.stringify(document, jsonSafe, 2)}\n`)
}

function wasInterrupted({ code }: Outcome): boolean {
  return code === exitCodes.interrupted || code === exitCodes.terminated
}

/** Values that JSON does not know, as text, so that a result never makes the report fail. */
function jsonSafe(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value instanceof Map) return Object.fromEntries(value)
  if (value instanceof Set) return [...value]
  return value
}
