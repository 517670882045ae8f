// @ts-check
/**
 * How TypeScript is loaded where Node does not strip types: as Node itself would load it. Plain JavaScript, because the workers' side loads it too.
 *
 * Only TypeScript goes through jiti. It would take a CommonJS package from the cache of `require` at the second import, without a `default`, so that
 * `import sharp from 'sharp'` in two files failed. Its `interopDefault` would repair that, but also unwrap a default that Node keeps wrapped.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isA, peek } from './look.js'

const likeNode = () => ({
  interopDefault: false,
  extensions: ['.ts', '.tsx', '.mts', '.cts', '.mtsx', '.ctsx'],
  ...(process.env['JITI_FS_CACHE'] === undefined && { fsCache: cacheFolder('compiled') }),
})

/**
 * A loader for what the module at `url` imports.
 *
 * @param {string} url
 * @param {import('jiti').JitiOptions} [options]
 */
export async function typescriptLoader(url, options = {}) {
  const { createJiti } = await import('jiti')
  const all = { ...likeNode(), ...options }
  const conditions = givenConditions()
  const prefix = conditions.length === 0 ? '' : givesConditions(conditions)
  /** @type {import('jiti').Jiti | undefined} */
  let compiler
  return createJiti(url, {
    ...all,
    // The name of a file in the cache does not tell the conditions.
    ...(all.fsCache && prefix && { fsCache: cacheFolder(join('conditions', ...conditions.map(encodeURIComponent))) }),
    transform(source) {
      compiler ??= createJiti(url, { ...all, fsCache: false })
      const code = asDecorator(compiler.transform(source))
      return { code: source.async ? prefix + code : code }
    },
  })
}

/** jiti knows the conditions of a single import only. So the code that it makes of a module begins by giving them to its own imports. @param {string[]} conditions */
function givesConditions(conditions) {
  const given = JSON.stringify([...conditions, 'node', 'import'])
  return `"use strict";jitiImport=((f)=>(id,options)=>f(id,{conditions:${given},...options}))(jitiImport);`
}

/**
 * Mends what jiti makes of legacy decorators. Where `reflect-metadata` is not loaded it decorates with a function that gives back what it gets, which
 * for a method is its class: then the method is gone. One that gives nothing changes nothing. And a decorated field fails when its object is made: it
 * gets its first value instead, unless the decorator has made an accessor of it.
 *
 * @param {string} code
 */
function asDecorator(code) {
  return code
    .replaceAll(/(Reflect\.metadata\?\.\("design:\w+", [^\n]*?\)) \|\| \(\(t\) => t\)/g, '$1 || (() => {})')
    .replace(
      /(function _initializerWarningHelper\w*\((\w+), (\w+)\) ?\{) ?(throw Error\("Decorating class property failed)[^"]*"\);?/,
      fieldValue,
    )
}

const fieldValue =
  '$1if ($2) return $2.initializer ? $2.initializer.call($3) : undefined;$4: its decorator made an accessor of it, which works in compiled code only. Compile this module, for example with tsc or esbuild.");'

/**
 * Whether Node refused to load TypeScript that has to be compiled: enums, namespaces, files in node_modules, and decorators, which stripping types
 * leaves there. Nothing has run then.
 *
 * @param {unknown} error
 */
export function needsCompiler(error) {
  const code = peek(error, 'code')
  if (typeof code === 'string' && /^ERR_UNSUPPORTED_(TYPESCRIPT_SYNTAX|NODE_MODULES_TYPE_STRIPPING)$/.test(code)) return true
  return isA(error, SyntaxError) && peek(error, 'message') === 'Invalid or unexpected token'
}

/** What `--conditions` says, on the command line and in NODE_OPTIONS. */
function givenConditions() {
  const flags = [...process.execArgv, ...(process.env['NODE_OPTIONS']?.split(/\s+/) ?? [])]
  return flags.flatMap((flag, i) => {
    const [, text] = /^(?:--conditions=|-C(?==?.))=?(.+)$/.exec(flag) ?? []
    if (text !== undefined) return [text]
    const next = flags[i + 1]
    return /^(?:-C|--conditions)$/.test(flag) && next !== undefined ? [next] : []
  })
}

/**
 * A cache of its own: jiti keeps what it compiled with and without `interopDefault` under one name, so that files which another tool
 * has compiled would import wrongly here.
 *
 * @param {string} name
 */
function cacheFolder(name) {
  try {
    return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'heddle', name)
  } catch {
    // A user without a home.
    return false
  }
}
