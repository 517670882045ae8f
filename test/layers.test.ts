/**
 * Reads the import graph of `src`, and holds it against the table of layers in ARCHITECTURE.md: a folder imports only from rows
 * below its own, neither files nor the rooms inside a part import in a circle, and no file is dead.
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
  ['serve'],
  ['ai', 'array', 'fleet', 'trace'],
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

/** Circles among names, each as a path: `a → b → a`. */
function circles(arrows: readonly (readonly [string, string])[]): string[] {
  const next = new Map<string, Set<string>>()
  for (const [from, to] of arrows) next.set(from, (next.get(from) ?? new Set()).add(to))
  const done = new Set<string>()
  const found: string[] = []
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) return void found.push([...path.slice(path.indexOf(name)), name].join(' → '))
    if (done.has(name)) return
    for (const to of next.get(name) ?? []) visit(to, [...path, name])
    done.add(name)
  }
  for (const name of next.keys()) visit(name, [])
  return found
}

const atOnce = imports.filter(({ when }) => when !== 'later')

test('files import in no circle, of types neither', () => {
  expect(circles(atOnce.map(({ from, to }) => [from, to]))).toEqual([])
})

/** Parts whose rooms still import each other; the list only ever gets shorter. */
const tangled = ['dashboard', 'workers']

test('the rooms inside a part import in no circle', () => {
  // What stands in the folder of the part itself is a room too; its index is the door, above all of them.
  const roomOf = (file: string): string => (file.endsWith('/index.ts') && dirname(file) === folderOf(file) ? file : dirname(file))
  const arrows = atOnce
    .filter(({ from, to }) => folderOf(from) === folderOf(to) && !tangled.includes(folderOf(from)))
    .map(({ from, to }) => [roomOf(from), roomOf(to)] as const)
  expect(circles(arrows.filter(([from, to]) => from !== to))).toEqual([])
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
