/** Errors for people: what happened, where with the code around it, what to do, and a stable code. */
import { isError, toError } from '../../base/errors.ts'
import { messageOf, peek, textOf } from '../../base/look.js'
import { codeFrame, type Place, placeOf } from '../terminal/code-frame.ts'
import { paint } from '../terminal/paint.ts'
import { readable, readableLine } from '../../base/readable.ts'
import { say } from '../terminal/say.ts'
import { columnsOf } from '../terminal/wrap.ts'
import { UsageError } from '../interface/usage-error.ts'

export interface ErrorSummary {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly hint?: string
  readonly at?: string
  readonly causes?: readonly string[]
}

export function reportError(thrown: unknown): void {
  say(process.stderr, ...errorLines(thrown, process.stderr))
}

export function errorSummary(thrown: unknown): ErrorSummary {
  const error = toError(thrown)
  const [code, hint] = [peek(error, 'code'), peek(error, 'hint')]
  const place = placeIn(error)
  const causes = causesOf(error)
  return {
    name: readableLine(nameOf(error)),
    message: readable(messageOf(error).replace(/\nRequire stack:[^]*$/, '')),
    ...(typeof code === 'string' && { code: readableLine(code) }),
    ...(typeof hint === 'string' && { hint: readable(hint) }),
    ...(place && { at: readableLine(`${place.file}:${place.line}`) }),
    ...(causes.length > 0 && { causes }),
  }
}

/** @param task in which it happened */
export function errorLines(thrown: unknown, stream: NodeJS.WriteStream, task?: string): string[] {
  const { bold, dim, red, cyan } = paint(stream)
  const error = toError(thrown)
  const summary = errorSummary(error)
  const place = placeIn(error)
  const code = summary.code === undefined ? '' : dim(` [${summary.code}]`)
  const name = summary.code?.startsWith('HEDDLE_') ? 'error' : summary.name
  return [
    `${red(bold(`${name}:`))} ${summary.message}${code}`,
    ...(task === undefined ? [] : [dim(`  in ${task}`)]),
    ...(summary.causes ?? []).map((cause) => dim(`  because: ${cause}`)),
    ...(place ? [dim(`  at ${summary.at}`), ...codeFrame(place, columnsOf(stream) - 2).map((line) => `  ${line}`)] : []),
    ...(summary.hint === undefined ? [] : [`${cyan('hint:')} ${summary.hint}`]),
  ]
}

/** Programs may give an error anything as its name. */
function nameOf(error: Error): string {
  return textOf(peek(error, 'name') ?? '') || 'Error'
}

/** A wrong command line is not a place in code. */
function placeIn(error: Error): Place | undefined {
  return error instanceof UsageError ? undefined : placeOf(error)
}

const causesMax = 10
/** A getter may make a new cause each time. Chosen. */
const longestChain = 1_000

/** The chain of causes, nearest first; ends where it would go in a circle. */
function causesOf(error: Error): string[] {
  const seen = new Set<unknown>([error])
  const causes: string[] = []
  let told = 0
  for (
    let cause = peek(error, 'cause');
    isError(cause) && !seen.has(cause) && seen.size < longestChain;
    cause = peek(cause, 'cause')
  ) {
    seen.add(cause)
    const message = messageOf(cause)
    // The end of the message has been shown.
    if (message !== '' && messageOf(error).endsWith(message)) continue
    if (++told <= causesMax) causes.push(readable(`${nameOf(cause)}: ${message}`))
  }
  return told > causesMax ? [...causes, `… and ${told - causesMax} more`] : causes
}
