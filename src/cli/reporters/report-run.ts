/** What `heddle run` says at the end: the verdict, what to do, and the failure, which stands last. */
import { inspect } from 'node:util'
import { formatMs } from '../../base/duration.ts'
import { toError } from '../../base/errors.ts'
import { isA, messageOf, peek } from '../../base/look.js'
import type { Finding } from '../../findings/finding.ts'
import { type Explanation, printable } from '../../trace/index.ts'
import { exitCodes, signalOf } from '../interface/exit-codes.ts'
import { errorLines, errorSummary } from './report-error.ts'
import { type Paint, paint } from '../terminal/paint.ts'
import { readableLine, safeJsonText } from '../../base/readable.ts'
import { say } from '../terminal/say.ts'

export interface Outcome {
  /** Exit code of the process. */
  readonly code: number
  /** What the default export gave. */
  readonly value?: unknown
  /** What made the program fail. */
  readonly error?: unknown
}

/** Whether the program failed by itself: what an interrupt cancelled did not. */
export function failedWith(outcome: Outcome): outcome is Outcome & { readonly error: unknown } {
  return 'error' in outcome && signalOf(outcome.code) === undefined
}

/** Failures that the program lived with, the verdict, and last what it failed of. */
export function writeReport(stream: NodeJS.WriteStream, explanation: Explanation, outcome: Outcome): void {
  const lines = failureLines(stream, explanation, outcome)
  if (!failedWith(outcome)) lines.push('', ...verdictLines(paint(stream), explanation))
  // A failure comes before advice about speed.
  else if (explanation.groups.length > 0) lines.push('', ...verdictLines(paint(stream), { ...explanation, advice: [] }))
  if (failedWith(outcome)) lines.push('', ...errorLines(outcome.error, stream, failedTask(explanation, outcome.error)))
  say(stream, ...lines)
}

/** The task in which the program's failure happened, where the recording has it. */
function failedTask({ failures }: Explanation, error: unknown): string | undefined {
  const thrown = toError(error)
  const [name, message] = [peek(thrown, 'name'), messageOf(thrown)]
  const kind = failures.kinds.find(({ error }) => error.name === name && error.message === message)
  return kind?.fatal ?? kind?.first
}

/** Kinds of failures that are shown; the rest is counted. */
const failuresShown = 5

function failureLines(stream: NodeJS.WriteStream, { failures }: Explanation, outcome: Outcome): string[] {
  const { dim, red } = paint(stream)
  const root = failedWith(outcome) ? messageOf(toError(outcome.error)) : undefined
  const others = failures.kinds.filter(({ error }) => error.message !== root)
  const lines = others.slice(0, failuresShown).map(({ error, first, tasks }) => {
    const code = error.code === undefined ? '' : dim(` [${readableLine(error.code)}]`)
    return `${red('✗')} ${readableLine(first)}${tasks > 1 ? ` and ${tasks - 1} more` : ''}: ${readableLine(error.name)}: ${oneLine(error.message)}${code}`
  })
  if (others.length > failuresShown) lines.push(dim(`  and ${others.length - failuresShown} more kinds of failure`))
  const signal = signalOf(outcome.code)
  const bySignal = signal ? failures.cancelledBySignal : 0
  if (bySignal > 0) lines.push(dim(`  ${were(bySignal)} cancelled by ${signal === 'SIGINT' ? 'Ctrl-C' : signal}`))
  if (failures.cancelled > bySignal)
    lines.push(dim(`  ${were(failures.cancelled - bySignal)} cancelled${why(failures, outcome)}`))
  if (failures.wentOn && failures.wentOn.ms > goesOnMs)
    lines.push(
      dim(
        `  ${failures.wentOn.label} went on for ${formatMs(failures.wentOn.ms)} after the failure: it does not heed its signal`,
      ),
    )
  return lines.length > 0 ? ['', ...lines] : []
}

const shownDepth = 6

/** The events of a failed run that are worth a line. */
const goesOnMs = 200

function why({ kinds }: Explanation['failures'], outcome: Outcome): string {
  const [first] = kinds
  return failedWith(outcome) && first ? ` because of ${first.first}` : ''
}

const were = (tasks: number): string => (tasks === 1 ? '1 task was' : `${tasks} tasks were`)

function oneLine(text: string): string {
  return printable(text.split('\n')[0])
}

/** People follow the first suggestion or two. `heddle trace FILE` shows the rest. */
const suggestionsShown = 2

/** The verdict, then the suggestions that would save most. */
export function verdictLines(colors: Paint, { verdict, advice }: Explanation): string[] {
  const { bold, dim } = colors
  return [
    ...verdict.map((line, i) => (i === 0 ? bold(line) : line)),
    ...advice.slice(0, suggestionsShown).flatMap((one) => ['', ...findingLines(colors, one)]),
    ...(advice.length > suggestionsShown
      ? [dim(`and ${advice.length - suggestionsShown} more: heddle run --trace FILE …, then heddle trace FILE`)]
      : []),
  ]
}

/** A finding of any kind, with what it would save where that was measured. */
export function findingLines({ cyan, dim, yellow }: Paint, { message, proof, savingMs = 0, remedy }: Finding): string[] {
  const saving = savingMs > 0 ? ` (could save about ${formatMs(savingMs)})` : ''
  return [`${yellow(message)}${saving}`, ...proof.map((line) => dim(`  ${line}`)), `  ${cyan('→')} ${remedy}`]
}

/** The whole report for programs. */
export function reportDocument(explanation: Explanation, outcome: Outcome): string {
  return safeJson({
    ok: outcome.code === exitCodes.ok,
    exitCode: outcome.code,
    ...('value' in outcome && { value: outcome.value }),
    ...(failedWith(outcome) && { error: errorSummary(outcome.error) }),
    ...plainExplanation(explanation),
  })
}

/** An explanation for programs. */
export function traceDocument(explanation: Explanation): string {
  return safeJson(plainExplanation(explanation))
}

/** Without what only makes sense beside the trace: rows of its tables. */
function plainExplanation(explanation: Explanation): object {
  return { ...explanation, grouping: undefined, criticalPath: { ms: explanation.criticalPath.ms } }
}

/** JSON of anything: a result that cannot be written becomes text, and never makes the report fail. */
function safeJson(document: object): string {
  try {
    return safeJsonText(JSON.stringify(document, jsonSafe, 2))
  } catch {
    return safeJsonText(JSON.stringify({ ...document, value: shown((document as { value?: unknown }).value) }, jsonSafe, 2))
  }
}

/** The value as text for people, whatever its own way of showing itself does. */
export function shown(value: unknown): string {
  try {
    return inspect(value, { depth: shownDepth })
  } catch {
    return 'a value that cannot be shown: its own inspect function throws'
  }
}

/** Values that JSON does not know. */
function jsonSafe(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (isA(value, Map)) return Object.fromEntries(value)
  if (isA(value, Set)) return [...value]
  return value
}
