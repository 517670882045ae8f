/** The place in the source that a stack names, for the user's own files below the folder that heddle was started in. */
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CodeFrame } from '../protocol.ts'

const linesAround = 4
const lineMax = 200
const sourceMaxBytes = 2_000_000
const place = /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?):(\d+):(\d+)\)?$/
const source = /\.[cm]?[jt]sx?$/

/** A trace may come from a stranger, and name any file: only source files in the folder of the project are read. */
export function frameOf(stack: string, folder = process.cwd()): CodeFrame | undefined {
  for (const entry of stack.split('\n')) {
    const found = place.exec(entry.trim())
    if (!found) continue
    const path = pathOf(found[1] as string)
    if (path === undefined || path.includes('node_modules') || !source.test(path)) continue
    const frame = read(path, Number(found[2]), Number(found[3]), folder)
    if (frame) return frame
  }
  return undefined
}

function pathOf(location: string): string | undefined {
  try {
    return location.startsWith('file://') ? fileURLToPath(location.split('?')[0] as string) : location
  } catch {
    return undefined
  }
}

function read(path: string, line: number, column: number, folder: string): CodeFrame | undefined {
  try {
    const real = realpathSync(path)
    // A link may have the name of a source and lead to anything else.
    if (!real.startsWith(realpathSync(folder) + sep) || !source.test(real) || real.includes(`${sep}node_modules${sep}`))
      return undefined
    const stat = statSync(real)
    if (!stat.isFile() || stat.size > sourceMaxBytes) return undefined
    const lines = readFileSync(real, 'utf8').split('\n')
    if (line < 1 || line > lines.length) return undefined
    const from = Math.max(1, line - linesAround)
    return {
      at: `${relative(folder, path)}:${line}:${column}`,
      lines: lines.slice(from - 1, line + linesAround).map((text, i) => ({
        number: from + i,
        text: text.slice(0, lineMax),
        here: from + i === line,
      })),
    }
  } catch {
    return undefined
  }
}
