import type childProcess from 'node:child_process'
import type crypto from 'node:crypto'
import type stream from 'node:stream'
import type web from 'node:stream/web'
import type zlib from 'node:zlib'

interface Builtins {
  'node:child_process': typeof childProcess
  'node:crypto': typeof crypto
  'node:stream': typeof stream
  'node:stream/web': typeof web
  'node:zlib': typeof zlib
}

/**
 * A module of Node that not every program needs, loaded at first use: each adds a millisecond or more to the start of every program
 * that imports heddle.
 */
export function lazily<N extends keyof Builtins>(name: N): () => Builtins[N] {
  let module: Builtins[N] | undefined
  return () => (module ??= process.getBuiltinModule(name) as Builtins[N])
}
