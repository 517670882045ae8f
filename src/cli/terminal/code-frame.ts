/**
 * Where in the user's own code an error came from, and the lines around it.
 *
 * A message may hold what a stranger wrote, also lines that look like those of a stack. So only the frames below the message are read, and lines are
 * shown of source files of the project alone: regular files, by their real path.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, parse, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fileBeside } from '../../base/package-url.ts'
import { clipToWidth } from '../../base/display-width.ts'
import { withoutSecrets } from '../../base/secrets.ts'
import { readableLine } from '../../base/readable.ts'

export interface Place {
  /** As a person would type it from here. */
  readonly file: string
  readonly line: number
  readonly path: string
}

const ownFolder = fileURLToPath(fileBeside(import.meta.url, '.'))
const linesAround = 2
const lineMax = 160
const sourceMaxBytes = 2_000_000
/** A stack has ten frames by default; this is enough for any that a person reads. */
const framesMax = 200
const source = /\.[cm]?[jt]sx?$/
const framePlace = /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:\\)[^()]{0,4096}?):(\d+)(?::\d+)?\)?$/

/** The first line of the stack that is neither Node's, nor heddle's, nor a dependency's. */
export function placeOf(error: Error): Place | undefined {
  for (const line of framesOf(error)) {
    const match = framePlace.exec(line.trim())
    if (!match) continue
    const path = pathOf(match[1] as string)
    if (path === undefined || path.startsWith(ownFolder) || path.includes('node_modules')) continue
    const file = relative(process.cwd(), path)
    return { file: file.startsWith('..') ? path : file, line: Number(match[2]), path }
  }
  return undefined
}

/** The lines of the stack below the message. Getters may throw, which must not lose the error itself. */
function framesOf(error: Error): string[] {
  try {
    const [stack, message] = [String(error.stack), String(error.message)]
    const at = message === '' ? -1 : stack.indexOf(message)
    const lines = stack.slice(at < 0 ? 0 : at + message.length).split('\n')
    // The message may have been changed since; the frames are the last lines.
    let from = lines.length
    while (from > 0 && lines.length - from < framesMax && /^\s*(?:at |--- )/.test(lines[from - 1] as string)) from--
    return lines.slice(from)
  } catch {
    return []
  }
}

function pathOf(location: string): string | undefined {
  try {
    return location.startsWith('file://') ? fileURLToPath(location.split('?')[0] as string) : location
  } catch {
    return undefined
  }
}

/** The line and those around it, with numbers and a mark; nothing when the file is not one of the project's sources. */
export function codeFrame({ path, line }: Place, columns = Infinity): string[] {
  const lines = sourceOf(path)?.split('\n')
  if (!lines || line < 1 || line > lines.length) return []
  const from = Math.max(1, line - linesAround)
  const to = Math.min(lines.length, line + linesAround)
  const width = String(to).length
  return lines.slice(from - 1, to).map((text, i) => {
    const shown = `${from + i === line ? '>' : ' '} ${String(from + i).padStart(width)} | ${indented(text.slice(0, lineMax))}`
    return clipToWidth(shown, columns)
  })
}

function indented(text: string): string {
  const [space = ''] = /^[ \t]*/.exec(text) ?? []
  return space + readableLine(withoutSecrets(text))
}

function sourceOf(path: string): string | undefined {
  let file: number | undefined
  try {
    const real = realpathSync(path)
    if (!source.test(real) || !projectFolders().some((folder) => real.startsWith(folder))) return undefined
    // A pipe would be waited for.
    file = openSync(real, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const stat = fstatSync(file)
    return stat.isFile() && stat.size <= sourceMaxBytes ? readFileSync(file, 'utf8') : undefined
  } catch {
    return undefined
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** Of the folder that the command was started in, and of the program; real paths with a separator at the end. */
function projectFolders(): readonly string[] {
  const folders = [process.cwd(), ...(process.argv[1] === undefined ? [] : [dirname(resolve(process.argv[1]))])]
  return folders.map((folder) => {
    const root = projectOf(realpathSync(folder))
    return root.endsWith(sep) ? root : root + sep
  })
}

/** The repository that a folder lies in, else the package, else the folder. A home folder or a disk is not a project. */
function projectOf(folder: string): string {
  const parents: string[] = []
  for (let at = folder; at !== parse(at).root && at !== homedir(); at = dirname(at)) parents.push(at)
  const holding = (name: string): string | undefined => parents.find((parent) => existsSync(join(parent, name)))
  return holding('.git') ?? holding('package.json') ?? folder
}
