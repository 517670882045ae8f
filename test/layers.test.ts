/**
 * Reads the import graph of `src`, and holds it against the table of layers in ARCHITECTURE.md: a folder imports only from rows
 * below its own, files import in no circle, and no file is dead.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { entries } from '../entries.ts'

const root = fileURLToPath(new URL('../src', import.meta.url))

/** From the top down, as in ARCHITECTURE.md. */
const rows: readonly (readonly string[])[] = [
  ['cli', 'index.ts'],
  ['dashboard', 'find', 'plan'],
  ['ai', 'engines', 'array', 'trace'],
  ['stream', 'patterns', 'workers', 'command'],
  ['run'],
  ['limits', 'sync', 'graph', 'checkpoint', 'findings'],
  ['base'],
]

const tests = /\.(test|conformance|fixture|arbitrary|reference)\.[jt]s$/
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith('.d.ts'))
  .map((file) => file.replaceAll('\\', '/'))
const sources = files.filter((file) => !tests.test(file) && !file.includes('/fixtures/'))

interface Import {
  readonly from: string
  readonly to: string
  /** False for `import type`, which leaves nothing at run time, and for what is only imported when it is needed. */
  readonly runs: boolean
}

function importsOf(file: string): Import[] {
  // Types in comments of plain JavaScript leave nothing at run time.
  const text = readFileSync(join(root, file), 'utf8').replace(/\/\*\*[\s\S]*?\*\//g, '')
  const found: Import[] = []
  const patterns = [
    /^(?:import|export)\s+(type\s)?(?:[\w*{}\s,$]*?\sfrom\s+)?'(\.{1,2}\/[^']+)'/gm,
    /(type)?import\(\s*(?:\/\*[\s\S]*?\*\/\s*)?'(\.{1,2}\/[^']+)'\s*\)/g,
    /new URL\(\s*(type)?'(\.{1,2}\/[^']+\.(?:ts|js))'/g,
  ]
  for (const pattern of patterns) {
    for (const [, type, path] of text.matchAll(pattern)) {
      if (path === undefined) continue
      found.push({
        from: file,
        to: relative(root, join(root, dirname(file), path)).replaceAll('\\', '/'),
        runs: type === undefined && pattern === patterns[0],
      })
    }
  }
  return found
}

const imports = sources.flatMap(importsOf)
const folderOf = (file: string): string => file.split('/')[0] ?? file
const rowOf = (file: string): number => rows.findIndex((row) => row.includes(folderOf(file)))

test('every folder has a row', () => {
  expect([...new Set(sources.filter((file) => rowOf(file) === -1).map(folderOf))]).toEqual([])
})

test('imports point down only', () => {
  const wrong = imports
    .filter(({ from, to }) => folderOf(from) !== folderOf(to) && !to.startsWith('..') && rowOf(from) >= rowOf(to))
    .map(({ from, to }) => `${from} imports ${to}`)
  expect(wrong).toEqual([])
})

test('files import in no circle', () => {
  const next = new Map<string, string[]>()
  for (const { from, to, runs } of imports) if (runs) next.set(from, [...(next.get(from) ?? []), to])
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) return void circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file)) return
    for (const to of next.get(file) ?? []) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of sources) visit(file, [])
  expect(circles).toEqual([])
})

test('no file is dead: each is reached from an entry', () => {
  const reached = new Set<string>()
  const open = [
    ...Object.values(entries).map((entry) => entry.replace(/^src\//, '')),
    'cli/main.ts',
    'workers/thread/entry.js',
    'dashboard/server/thread.ts',
    // The page of the dashboard, a workspace of its own, comes in here.
    'dashboard/page.ts',
  ]
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (reached.has(file)) continue
    reached.add(file)
    open.push(...imports.filter(({ from }) => from === file).map(({ to }) => to))
  }
  expect(sources.filter((file) => !reached.has(file))).toEqual([])
})
