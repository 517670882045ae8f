// @ts-check
/**
 * Plain JavaScript, because the workers' side loads it too.
 *
 * @typedef {{
 *   'node:child_process': typeof import('node:child_process')
 *   'node:events': typeof import('node:events')
 *   'node:crypto': typeof import('node:crypto')
 *   'node:fs': typeof import('node:fs')
 *   'node:fs/promises': typeof import('node:fs/promises')
 *   'node:inspector': typeof import('node:inspector')
 *   'node:module': typeof import('node:module')
 *   'node:os': typeof import('node:os')
 *   'node:stream': typeof import('node:stream')
 *   'node:stream/web': typeof import('node:stream/web')
 *   'node:util': typeof import('node:util')
 *   'node:v8': typeof import('node:v8')
 *   'node:vm': typeof import('node:vm')
 *   'node:worker_threads': typeof import('node:worker_threads')
 *   'node:zlib': typeof import('node:zlib')
 * }} Builtins
 */

/**
 * A module of Node that not every program needs, loaded at first use: each adds a millisecond or more to the start of every program
 * that imports heddle. An `import` of `node:fs` alone costs four: it reads every export, and one of them loads all of `node:stream`.
 *
 * @template {keyof Builtins} N
 * @param {N} name
 * @returns {() => Builtins[N]}
 */
export function lazily(name) {
  /** @type {Builtins[N] | undefined} */
  let module
  return () => (module ??= /** @type {Builtins[N]} */ (process.getBuiltinModule(name)))
}
