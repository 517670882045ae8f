// @ts-check
/**
 * How TypeScript is loaded where Node does not strip types: as Node itself would load it. Plain JavaScript, because the workers' side loads it too.
 *
 * Only TypeScript goes through jiti. It would take a CommonJS package from the cache of `require` at the second import, without a `default`, so that
 * `import sharp from 'sharp'` in two files failed. Its `interopDefault` would repair that, but also unwrap a default that Node keeps wrapped.
 */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Options of `createJiti`. */
export const likeNode = () => ({
  interopDefault: false,
  extensions: ['.ts', '.tsx', '.mts', '.cts', '.mtsx', '.ctsx'],
  ...(process.env['JITI_FS_CACHE'] === undefined && { fsCache: cacheFolder() }),
})

/**
 * A cache of its own: jiti keeps what it compiled with and without `interopDefault` under one name, so that files which another tool
 * has compiled would import wrongly here.
 */
function cacheFolder() {
  try {
    return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'heddle', 'typescript')
  } catch {
    // A user without a home.
    return false
  }
}
