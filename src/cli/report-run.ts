/** What `heddle run` says at the end: the verdict, what to do, and the failure, which stands last. */
import type { Explanation } from '../trace/index.ts'
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

export function writeReport(stream: NodeJS.WriteStream, { verdict }: Explanation, outcome: Outcome): void {
  const { dim } = paint(stream)
  const lines = ['', ...verdict.map((line, i) => (i === 0 ? line : dim(line)))]
  if ('error' in outcome && !wasInterrupted(outcome)) lines.push('', ...errorLines(outcome.error, stream))
  stream.write(`${lines.join('\n')}\n`)
}

export function writeJson(write: (text: string) => unknown, explanation: Explanation, outcome: Outcome): void {
  const { verdict, wallMs, work, speedup, spanMs, parallelism, criticalPath, bound, idle, groups } = explanation
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
