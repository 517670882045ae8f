/**
 * `heddle trace FILE`: explains a recorded run, or gives it to another tool; `heddle trace compare FILE FILE …`: what changed, and
 * what more workers would do.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { InvalidTrace } from '../../base/errors.ts'
import {
  compare,
  explain,
  explainSpans,
  type ExportFormat,
  exportFormats,
  exportTrace,
  readTrace,
  readTraceBytes,
  traceOfSpans,
  type Trace,
} from '../../trace/index.ts'
import { encodeTrace } from '../../trace/format/encode.ts'
import { ownerOnly, ownOnly } from '../../trace/format/file.ts'
import { foreignSpans, isForeign } from '../program/foreign-trace.ts'
import type { Invocation } from '../interface/command-spec.ts'
import { exitCodes } from '../interface/exit-codes.ts'
import { forbidColor, paint } from '../terminal/paint.ts'
import { comparisonText, explanationText } from '../reporters/report-trace.ts'
import { spanReportText } from '../reporters/report-spans.ts'
import { traceDocument } from '../reporters/report-run.ts'
import { say, sayJson } from '../terminal/say.ts'
import { columnsOf } from '../terminal/wrap.ts'
import { UsageError } from '../interface/usage-error.ts'

export async function command({ positionals, options }: Invocation): Promise<number> {
  if (options['no-color'] === true) forbidColor()
  const [first = '', ...rest] = positionals
  if (first === 'compare') return compareFiles(rest, options)
  if (isForeign(first)) return foreignTrace(positionals, options)
  if (rest.length > 0)
    throw new UsageError(`heddle trace takes one file, got ${positionals.length}`, {
      hint: `heddle trace compare ${positionals.join(' ')}`,
    })
  if (options.open === true) return (await import('./ui.ts')).showFile(first, { open: true })
  const trace = open(first)
  if (options.export === 'html') return write(await htmlReport(first), 'html', options.output)
  const format = exportFormats.find((name) => name === options.export)
  if (format) return write(exportTrace(trace, format), format, options.output)
  if (options.output !== undefined)
    throw new UsageError('--output needs a format', {
      hint: `heddle trace --export chrome --output ${String(options.output)} ${first}`,
    })
  const explanation = explain(trace)
  const { stdout } = process
  if (options.json === true) sayJson(stdout, traceDocument(explanation))
  else say(stdout, explanationText(trace, explanation, paint(stdout), columnsOf(stdout)))
  return exitCodes.ok
}

/** Traces of another system. */
async function foreignTrace(files: readonly string[], options: Invocation['options']): Promise<number> {
  if (options.open === true) return (await import('./ui.ts')).showFile(files[0] ?? '', { open: true })
  const spans = await foreignSpans(files)
  const format = exportFormats.find((name) => name === options.export)
  if (format || options.export === 'html') {
    const trace = traceOfSpans(spans, files.map((file) => basename(file)).join(', '))
    if (format) return write(exportTrace(trace, format), format, options.output)
    return write([await (await import('../../dashboard/index.ts')).writeReport(encodeTrace(trace))], 'html', options.output)
  }
  const report = explainSpans(spans)
  const { stdout } = process
  if (options.json === true) sayJson(stdout, JSON.stringify(report, null, 2))
  else say(stdout, spanReportText(files, report, paint(stdout)))
  return exitCodes.ok
}

function compareFiles(files: readonly string[], options: Invocation['options']): number {
  if (files.length < 2)
    throw new UsageError('heddle trace compare needs two files or more', { hint: 'heddle trace compare one.heddle two.heddle' })
  if (options.export !== undefined || options.output !== undefined)
    throw new UsageError('A comparison cannot be exported; --json gives it to programs')
  const comparison = compare(files.map(open))
  const { stdout } = process
  if (options.json === true) sayJson(stdout, JSON.stringify(comparison, null, 2))
  else say(stdout, comparisonText(files, comparison, paint(stdout), columnsOf(stdout)))
  return exitCodes.ok
}

/** @throws {UsageError} saying which file, and what is wrong with it */
function open(file: string): Trace {
  try {
    return readTrace(file)
  } catch (error) {
    if (!(error instanceof InvalidTrace)) throw error
    throw new UsageError(error.message.includes(file) ? error.message : `${file}: ${error.message}`, {
      hint: error.hint,
      cause: error,
    })
  }
}

/** The page and the trace in one file. */
async function htmlReport(file: string): Promise<readonly Uint8Array[]> {
  const { writeReport } = await import('../../dashboard/index.ts')
  return [await writeReport(readTraceBytes(file))]
}

function write(pieces: Iterable<string | Uint8Array>, format: ExportFormat | 'html', output: string | true | undefined): number {
  if (typeof output !== 'string') {
    for (const piece of pieces) process.stdout.write(piece)
    return exitCodes.ok
  }
  let file: number | undefined
  try {
    file = openSync(output, 'w', ownerOnly)
    ownOnly(file)
    for (const piece of pieces) writeAll(file, piece)
  } catch (error) {
    throw new UsageError(`${output} cannot be written: ${(error as Error).message}`, { cause: error })
  } finally {
    if (file !== undefined) closeSync(file)
  }
  say(process.stderr, `${output} written${format === 'chrome' ? '; open it at https://ui.perfetto.dev' : ''}`)
  return exitCodes.ok
}

function writeAll(file: number, piece: string | Uint8Array): void {
  const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
}
