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
  ['limits', 'sync', 'graph', 'checkpoint', 'encoding', 'findings'],
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
  /** `later`: only when it is needed. */
  readonly when: 'at-load' | 'type' | 'later'
}

const statement = /^(?:import|export)\s+(type\s)?(?:[\w*{}\s,$]*?\sfrom\s+)?'(\.{1,2}\/[^']+)'/gm
const expression = /(typeof )?import\(\s*(?:\/\*[\s\S]*?\*\/\s*)?'(\.{1,2}\/[^']+)'\s*\)(\.[A-Z])?/g
const address = /new URL\(\s*'(\.{1,2}\/[^']+\.(?:ts|js))'/g
const comment = /\/\*\*[\s\S]*?\*\//g

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const code = text.replace(comment, '')
  const to = (path = ''): string => relative(root, join(root, dirname(file), path)).replaceAll('\\', '/')
  const found: Import[] = []
  for (const [, type, path] of code.matchAll(statement)) {
    found.push({ from: file, to: to(path), when: type === undefined ? 'at-load' : 'type' })
  }
  for (const [, type, path, name] of code.matchAll(expression)) {
    found.push({ from: file, to: to(path), when: type === undefined && name === undefined ? 'later' : 'type' })
  }
  for (const [, path] of code.matchAll(address)) found.push({ from: file, to: to(path), when: 'later' })
  // Plain JavaScript has its types in comments.
  const comments = file.endsWith('.js') ? (text.match(comment) ?? []).join('\n') : ''
  for (const [, , path] of comments.matchAll(expression)) found.push({ from: file, to: to(path), when: 'type' })
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
  for (const { from, to, when } of imports) if (when === 'at-load') next.set(from, [...(next.get(from) ?? []), to])
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
