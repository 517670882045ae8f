// @ts-check
/**
 * Loads a worker module, also one in TypeScript, and finds its functions.
 *
 * Plain JavaScript: `execArgv: ['--import', loader]` fails on Node 20 for some loaders and loses named exports for others, so
 * the worker starts without any and loads TypeScript itself: natively where Node strips types, else with jiti.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { loadsTypescript, resolveAsCompilersDo } from '../../base/resolving.js'
import { needsCompiler, typescriptLoader } from '../../base/typescript.js'

const typescript = /\.[cm]?tsx?$/

/**
 * @param {string} module a URL
 * @param {string} [sources] set when heddle itself runs from its sources: the file that `heddle` means
 * @returns {Promise<Record<string, unknown>>}
 */
export async function loadModule(module, sources) {
  const url = existing(module)
  if (!typescript.test(url)) return import(url)
  if (loadsTypescript() && !sources) {
    resolveAsCompilersDo()
    try {
      return await import(url)
    } catch (error) {
      if (!needsCompiler(error)) throw error
    }
  }
  const jiti = await typescriptLoader(url, { tsconfigPaths: true, ...(sources && { alias: { heddle: sources } }) })
  return jiti.import(fileURLToPath(url))
}

/**
 * The file that is meant: `.ts` where only the source is there, `.js` where only the compiled file is.
 * @param {string} module
 */
export function existing(module) {
  if (!module.startsWith('file:')) return module
  const path = fileURLToPath(module)
  if (existsSync(path)) return module
  const other = path.replace(/\.([cm]?)(t|j)s(x?)$/, (_, kind, letter, x) => `.${kind}${letter === 't' ? 'j' : 't'}s${x}`)
  return other !== path && existsSync(other) ? pathToFileURL(other).href : module
}
