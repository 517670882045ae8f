/**
 * What a module exports as its default, seen in its source: to plan a graph its module must be loaded, which runs its top level, so that a module that
 * cannot hold a graph must be distinguished from one that can before that. jiti turns a module into CommonJS, where every form of export becomes one
 * of a few assignments, hoisted to its first line.
 */
import { readFileSync } from 'node:fs'

export type DefaultExport = 'none' | 'a function' | 'a class' | 'a value'

const head = /^"use strict";(?:Object\.defineProperty\(exports, "__esModule", \{ value: true \}\);)?/
const hoisted = /^[^\n]*?(?:^|;)(?:exports\.\w+ = )*exports\.default = (?:exports\.\w+ = )*(\w+)/
const reexported = /^(?:[^\n]*;)?Object\.defineProperty\(exports, "default",/
const anyReexport = /^(?:[^\n]*;)?Object\.keys\(_\w+\)\.forEach/
const commonJs = /\bmodule\.exports\b|\bexports\.default\b/
const callable = '(?:async\\s+)?(?:(function|\\([^()]*\\)\\s*=>|\\w+\\s*=>)|(class)\\b)'

/** @throws what jiti throws when the file cannot be parsed */
export async function defaultExportOf(path: string): Promise<DefaultExport> {
  const { createJiti } = await import('jiti')
  const code = createJiti(import.meta.url).transform({
    source: readFileSync(path, 'utf8'),
    filename: path,
    ts: /\.[cm]?tsx?$/.test(path),
    jsx: /\.[jt]sx$/.test(path),
    async: true,
    interopDefault: false,
  })
  const body = code.replace(head, '')
  if (body.length === code.length || !code.includes('"__esModule"')) return commonJs.test(body) ? 'a value' : 'none'
  const value = hoisted.exec(body)?.[1]
  if (value === undefined) return reexported.test(body) || anyReexport.test(body) ? 'a value' : 'none'
  // Only functions are hoisted with their name.
  if (value !== 'void') return 'a function'
  return assigned(body)
}

/** The value that the assignment to the default export gives, where that can be seen. */
function assigned(body: string): DefaultExport {
  const name = /(?:^|;|\n)[ \t]*exports\.default = (\w+);/.exec(body)?.[1] ?? /exports\.default =\s*(\w+);/.exec(body)?.[1]
  const expression =
    name === undefined
      ? new RegExp(`exports\\.default =\\s*${callable}`).exec(body)
      : (new RegExp(`(?:^|[;\\n])\\s*(?:const|let|var) ${name} =\\s*${callable}`).exec(body) ??
        new RegExp(`(?:^|[;\\n])\\s*(?:async\\s+)?(?:(function)\\*?|(class))\\s+${name}\\b`).exec(body))
  if (!expression) return 'a value'
  return expression[2] === undefined ? 'a function' : 'a class'
}
