/**
 * Whose call it was that failed elsewhere. An error that crossed from a worker has a stack that ends in the worker; the reader also
 * wants the line that called. Nothing is captured per call: V8 can show afterwards who awaits, as long as the promise of the call is
 * still pending, so that only a failure costs something.
 */
import { stackHere } from './stack.ts'
import { fileURLToPath } from 'node:url'
import { fileBeside } from './package-url.ts'
import { lazily } from './builtin.js'
import { peek } from './look.js'

const fs = lazily('node:fs')

/** Errors from elsewhere: does the stack show the caller yet? */
const told = new WeakMap<object, boolean>()

/** Between the stack of the worker and that of the caller; indented, so that tools that read stacks pass over it. */
const seam = '    --- called from ---'

/** Our own frames between the caller and the promise; read as well, so that enough is left of the caller's. */
const ownFrames = 20

/** Says that this error arose where no stack leads to the caller: on a worker, or in the code that looks after workers. */
export function fromElsewhere<E>(error: E): E {
  if (typeof error === 'object' && error !== null && !told.has(error)) told.set(error, false)
  return error
}

/**
 * Appends the stack of the code at hand, with all that awaits it, to errors from elsewhere. Does nothing for other errors, and for
 * one that knows its caller; where nobody but heddle is found to await, the run around it can add the caller later.
 */
export function tellCaller(errors: Iterable<unknown>): void {
  let caller: string[] | undefined
  for (const error of errors) {
    if (typeof error !== 'object' || error === null || told.get(error) !== false) continue
    caller ??= usersOf(framesOf(stackHere(Math.max(Error.stackTraceLimit, 0) + ownFrames)).filter((line) => !internal(line)))
    if (caller.length > 0) told.set(error, true)
    append(error, caller)
  }
}

function append(error: object, caller: readonly string[]): void {
  const stack = peek(error, 'stack')
  if (typeof stack !== 'string') return
  const frames = framesOf(stack)
  const head = stack.split('\n').slice(0, -frames.length || undefined)
  // Below the user's function lie the loop that called it, and on this side whatever noticed a crash.
  const there = usersOf(frames)
  const seams = there.length > 0 && caller.length > 0 ? [seam] : []
  try {
    ;(error as { stack: string }).stack = [...head, ...there, ...seams, ...caller].join('\n')
  } catch {
    // Frozen, or a setter that throws.
  }
}

/** Without what lies below the last frame of the user. */
function usersOf(frames: readonly string[]): string[] {
  return frames.slice(0, frames.findLastIndex((line) => !internal(line) && !combinator.test(line)) + 1)
}

/**
 * Rejects with the error, as what a pending promise is resolved with: `resolve(rejection(error))`. By its third turn that promise waits for this one,
 * and the engine shows who awaits it.
 */
export async function rejection(error: unknown): Promise<never> {
  for (let turn = 0; turn < 3; turn++) await undefined
  tellCaller([error])
  throw error
}

/** The lines after the message, which may have several itself. */
function framesOf(stack: string): string[] {
  const lines = stack.split('\n')
  let from = lines.length
  while (from > 0 && /^\s+(at |--- )/.test(lines[from - 1] as string)) from--
  return lines.slice(from)
}

const combinator = /^\s*at async Promise\.\w+ \(index /
const engine = /\(node:|at (async )?node:|\(<anonymous>\)$|\/node_modules\/jiti\/|at heddle:guarded:/

/** Code of Node, of the loader of TypeScript, or of heddle. */
function internal(line: string): boolean {
  return engine.test(line) || ownFolders().some((folder) => line.includes(folder))
}

let folders: readonly string[] | undefined

/** Where the code of this package lies, as stacks write it; nothing in a bundle, where it cannot be distinguished from the program's. */
function ownFolders(): readonly string[] {
  return (folders ??= findFolders())
}

function findFolders(): readonly string[] {
  try {
    const root = fileBeside(import.meta.url, import.meta.url.endsWith('.ts') ? '../../' : '../')
    const { name } = JSON.parse(fs().readFileSync(new URL('package.json', root), 'utf8')) as { name?: unknown }
    if (name !== 'heddle') return []
    return ['src/', 'dist/'].flatMap((folder) => {
      const url = new URL(folder, root)
      return [url.href, fileURLToPath(url)]
    })
  } catch {
    return []
  }
}
