// @ts-check
/**
 * What TypeScript imports, where Node strips types by itself. Node then also resolves by itself: it does not know the `paths` of a `tsconfig.json`, and
 * wants the extension that the file really has, where compilers, bundlers and tsx take `./a` and `./a.js` for `./a.ts`. So whatever Node does not
 * find is looked for as jiti resolves it, which is how the same program runs on a Node without type stripping.
 *
 * Plain JavaScript, because the workers' side loads it too.
 */
import { createRequire } from 'node:module'
import * as modules from 'node:module'
import { peek } from './look.js'

/** @typedef {{ parentURL?: string | undefined, conditions?: readonly string[] }} ResolveContext */
/** @typedef {(specifier: string, context: ResolveContext) => unknown} Resolve */

/** Came with Node 22.15. */
const { registerHooks } =
  /** @type {{ registerHooks?: (hooks: { resolve: (...args: [string, ResolveContext, Resolve]) => unknown }) => void }} */ (
    modules
  )
const typescript = /\.[cm]?tsx?(?:\?|$)/
const unresolved = new Set([
  'ERR_MODULE_NOT_FOUND',
  'MODULE_NOT_FOUND',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_PACKAGE_IMPORT_NOT_DEFINED',
])

/** Whether Node strips types, and lets somebody help it resolve. Else jiti is to load TypeScript. */
export function loadsTypescript() {
  return Boolean(/** @type {{ typescript?: unknown }} */ (process.features).typescript) && registerHooks !== undefined
}

let registered = false

/** From now on, files of TypeScript on this thread, outside of `node_modules`, import what jiti would find for them. */
export function resolveAsCompilersDo() {
  if (registered || !registerHooks) return
  registered = true
  registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context)
      } catch (error) {
        const found = unresolved.has(/** @type {string} */ (peek(error, 'code'))) && asJiti(specifier, context.parentURL)
        if (!found) throw error
        return next(found, context)
      }
    },
  })
}

/** jiti asks Node in its turn, and so the hook. */
let asking = false
/** @type {Map<string, import('jiti').Jiti>} A resolver for each folder that needed one: each may have a `tsconfig.json` of its own above it. */
const resolvers = new Map()

/**
 * @param {string} specifier
 * @param {string | undefined} parent the file that imports it
 */
function asJiti(specifier, parent) {
  if (asking || !parent?.startsWith('file:') || !typescript.test(parent) || parent.includes('/node_modules/')) return undefined
  const folder = parent.slice(0, parent.lastIndexOf('/'))
  let resolver = resolvers.get(folder)
  if (!resolver) {
    const { createJiti } = /** @type {typeof import('jiti')} */ (createRequire(import.meta.url)('jiti'))
    resolver = createJiti(parent, {
      tsconfigPaths: true,
      extensions: ['.ts', '.tsx', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json'],
    })
    resolvers.set(folder, resolver)
  }
  asking = true
  try {
    return resolver.esmResolve(specifier, { parentURL: parent, try: true })
  } catch {
    return undefined
  } finally {
    asking = false
  }
}
