/** Where in the user's own code an error came from, and the lines around it. */
import { readFileSync, statSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readable } from './readable.ts'

export interface Place {
  /** As a person would type it from here. */
  readonly file: string
  readonly line: number
  readonly path: string
}

const ownFolder = fileURLToPath(new URL('.', import.meta.url))
const linesAround = 2
const sourceMaxBytes = 2_000_000

/** The first line of the stack that is neither Node's, nor heddle's, nor a dependency's. */
export function placeOf(error: Error): Place | undefined {
  for (const line of stackOf(error).split('\n')) {
    const match = /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?):(\d+)(?::\d+)?\)?$/.exec(line.trim())
    if (!match) continue
    const path = pathOf(match[1] as string)
    if (path === undefined || path.startsWith(ownFolder) || path.includes('node_modules')) continue
    const file = relative(process.cwd(), path)
    return { file: file.startsWith('..') ? path : file, line: Number(match[2]), path }
  }
  return undefined
}

/** A getter that throws is no reason to lose the error itself. */
function stackOf(error: Error): string {
  try {
    return String(error.stack)
  } catch {
    return ''
  }
}

function pathOf(location: string): string | undefined {
  try {
    return location.startsWith('file://') ? fileURLToPath(location.split('?')[0] as string) : location
  } catch {
    return undefined
  }
}

/** The line and those around it, with numbers and a mark; nothing when the file cannot be read. */
export function codeFrame({ path, line }: Place): string[] {
  try {
    if (statSync(path).size > sourceMaxBytes) return []
    const lines = readFileSync(path, 'utf8').split('\n')
    if (line < 1 || line > lines.length) return []
    const from = Math.max(1, line - linesAround)
    const to = Math.min(lines.length, line + linesAround)
    const width = String(to).length
    return lines
      .slice(from - 1, to)
      .map((text, i) => `${from + i === line ? '>' : ' '} ${String(from + i).padStart(width)} | ${readable(text.slice(0, 160))}`)
  } catch {
    return []
  }
}
