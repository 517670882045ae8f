/** Files of other systems' traces, for commands that take a trace. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { readSpans, saveTrace, type Spans, traceOfSpans } from '../../trace/index.ts'
import { isTrace } from '../../trace/format/file.ts'
import { UsageError } from '../interface/usage-error.ts'

/** Whether the file is there and begins as something else than a trace of heddle. What is not there is reported as one of heddle. */
export function isForeign(file: string): boolean {
  try {
    return statSync(file).isFile() && statSync(file).size > 0 && !isTrace(file)
  } catch {
    return false
  }
}

/** @throws {UsageError} saying which file, what is wrong with it and where */
export async function foreignSpans(files: readonly string[]): Promise<Spans> {
  try {
    return await readSpans(files)
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string }
    throw new UsageError(message, { ...(hint !== undefined && { hint }), cause: error })
  }
}

/** The same as a file of heddle's own, for the page. It is removed with the process. */
export async function asOwnFile(file: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-trace-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, `${basename(file)}.heddle`)
  saveTrace(traceOfSpans(await foreignSpans([file]), basename(file)), path)
  return path
}
