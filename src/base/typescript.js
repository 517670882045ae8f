// @ts-check
/**
 * How TypeScript is loaded where Node does not strip types: as Node itself would load it. Plain JavaScript, because the workers' side loads it too.
 *
 * Only TypeScript goes through jiti. It would take a CommonJS package from the cache of `require` at the second import, without a `default`, so that
 * `import sharp from 'sharp'` in two files failed. Its `interopDefault` would repair that, but also unwrap a default that Node keeps wrapped.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'

const likeNode = () => ({
  interopDefault: false,
  extensions: ['.ts', '.tsx', '.mts', '.cts', '.mtsx', '.ctsx'],
  ...(process.env['JITI_FS_CACHE'] === undefined && { fsCache: cacheFolder('typescript') }),
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
  if (conditions.length === 0) return createJiti(url, all)
  // jiti knows the conditions of a single import only. So the code that it makes of a module begins by giving them to its own imports; the place
  // where it keeps that code is another one, because the name there does not tell.
  const { transform } = createJiti(url, { ...all, fsCache: false })
  const given = JSON.stringify([...conditions, 'node', 'import'])
  const prefix = `"use strict";jitiImport=((f)=>(id,options)=>f(id,{conditions:${given},...options}))(jitiImport);`
  return createJiti(url, {
    ...all,
    ...(all.fsCache && { fsCache: cacheFolder(join('conditions', ...conditions.map(encodeURIComponent))) }),
    transform: (source) => ({ code: source.async ? prefix + transform(source) : transform(source) }),
  })
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
