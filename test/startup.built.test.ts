/** What a program pays for its first line: `bench/startup.bench.mjs` measures it, and this keeps it from growing unnoticed. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const dist = new URL('../dist/', import.meta.url)

/** The built files that this one loads before its first line runs. */
function loads(file: URL, seen = new Set<string>()): Set<string> {
  seen.add(file.href)
  for (const [, path] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) .*?["'](\.[^"']+)["'];$/gm)) {
    const next = new URL(path as string, file)
    if (!seen.has(next.href)) loads(next, seen)
  }
  return seen
}

/** `stream` also comes with any `import` of `fs`. */
const rare = ['child_process', 'crypto', 'net', 'os', 'stream', 'v8', 'worker_threads', 'zlib']

const names = (file: string): string[] =>
  [...loads(new URL(file, dist))].map((href) => basename(fileURLToPath(href)).replace(/-[\w-]{8}\.js$/, '.js')).sort()

test('heddle is three files: the pool and journals are loaded by those who use them', () => {
  expect(names('index.js')).toEqual(['base.js', 'core.js', 'index.js'])
})

test('each worker starts with one file, and the version is said without anything else', () => {
  expect(names('thread.js')).toEqual(['thread.js'])
  expect(names('cli.js')).toEqual(['cli.js', 'version.js'])
})

test('importing heddle loads no module of Node that only some programs need', () => {
  const script = `
    await import(${JSON.stringify(new URL('index.js', dist).href)})
    const loaded = new Set(process.moduleLoadList)
    process.stderr.write(${JSON.stringify(rare)}.filter((name) => loaded.has('NativeModule ' + name)).join())`
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(stderr).toBe('')
})
