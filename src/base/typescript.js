// @ts-check
/**
 * How TypeScript is loaded where Node does not strip types: as Node itself would load it. Plain JavaScript, because the workers' side loads it too.
 *
 * Only TypeScript goes through jiti. It would take a CommonJS package from the cache of `require` at the second import, without a `default`, so that
 * `import sharp from 'sharp'` in two files failed. Its `interopDefault` would repair that, but also unwrap a default that Node keeps wrapped.
 */

/** Options of `createJiti`. */
export const likeNode = { interopDefault: false, extensions: ['.ts', '.tsx', '.mts', '.cts', '.mtsx', '.ctsx'] }
