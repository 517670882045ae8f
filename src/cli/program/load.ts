/**
 * Loads a user's module. JavaScript is imported as it is; TypeScript too where Node strips types itself, else through jiti,
 * which keeps the line numbers. The module imports the same copy of `heddle` either way.
 */
import { spawnSync } from 'node:child_process'
import { statSync, type Stats } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isA, messageOf, peek } from '../../base/look.js'
import { loadsTypescript, resolveAsCompilersDo } from '../../base/resolving.js'
import { needsCompiler, typescriptLoader } from '../../base/typescript.js'
import { UsageError } from '../interface/usage-error.ts'

const typescript = /\.[cm]?tsx?$/
/** Longer names are not read by anybody. */
const nameMax = 300
const loadable = /\.[cm]?[jt]sx?$/

/** The absolute path of a program that a command line names. */
export function programPath(file: string): string {
  const path = resolve(file)
  const shown = file === '' ? '""' : file.length > nameMax ? `${file.slice(0, nameMax)}…` : file
  const stat = file === '' ? undefined : statOf(path)
  if (!stat) throw new UsageError(`There is no file ${shown}`)
  if (stat.isDirectory()) throw new UsageError(`${shown} is a folder; a program is a file`)
  // Loading a pipe would wait for its writer, and nothing could end that.
  if (!stat.isFile()) throw new UsageError(`${shown} is not a regular file; a program is one`)
  if (!loadable.test(path)) throw new UsageError(`${shown} is not a JavaScript or TypeScript file`)
  return path
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

/** @throws what the module throws; a `SyntaxError` that says where, when it cannot be parsed */
export async function loadModule(path: string): Promise<Record<string, unknown>> {
  const url = pathToFileURL(path).href
  if (!typescript.test(path)) return importPlain(url, path)
  if (loadsTypescript()) {
    resolveAsCompilersDo()
    try {
      return await import(url)
    } catch (error) {
      // Enums and the like cannot be stripped. The error comes before anything has run, so loading again is safe.
      if (!isUnsupportedSyntax(error)) throw stripError(error) ?? error
    }
  }
  const jiti = await typescriptLoader(pathToFileURL(path).href, { tsconfigPaths: true })
  try {
    return await jiti.import(path)
  } catch (error) {
    throw parseError(error) ?? error
  }
}

async function importPlain(url: string, path: string): Promise<Record<string, unknown>> {
  try {
    return await import(url)
  } catch (error) {
    if (!isA(error, SyntaxError)) throw error
    // Only Node's own check says where; the error that `import` gives has no place.
    const { stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8', timeout: 5_000 })
    const [, file, line] = /^(?:file:\/\/)?(\/.*|[A-Za-z]:.*):(\d+)$/m.exec(stderr) ?? []
    throw file === undefined ? error : syntaxError(error.message, `${file}:${line}:1`)
  }
}

/** Node puts the place above the stack, and under it the line with a caret. */
function stripError(error: unknown): SyntaxError | undefined {
  if (peek(error, 'code') !== 'ERR_INVALID_TYPESCRIPT_SYNTAX') return undefined
  const { message, stack = '' } = error as Error
  const [, place, caret] = /^(?:file:\/\/)?(\S.*:\d+)\n(?:.*\n)*?( *)\^/.exec(stack) ?? []
  return place === undefined ? undefined : syntaxError(message, `${place}:${(caret?.length ?? 0) + 1}`)
}

/** jiti puts the place into the message. */
function parseError(error: unknown): SyntaxError | undefined {
  const message = messageOf(error)
  const [, what, place] = /^ParseError: (.*)\n\s*(\S.*:\d+:\d+)/.exec(message) ?? []
  return what === undefined || place === undefined ? undefined : syntaxError(what.trimEnd(), place)
}

function syntaxError(message: string, place: string): SyntaxError {
  const error = new SyntaxError(message)
  error.stack = `SyntaxError: ${message}\n    at ${place}`
  return error
}

function isUnsupportedSyntax(error: unknown): boolean {
  return needsCompiler(error) || peek(error, 'code') === 'ERR_UNKNOWN_FILE_EXTENSION'
}
