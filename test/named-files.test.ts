/** Pages for contributors name files and folders: each of them exists, and ARCHITECTURE.md has a way to every folder of the sources. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')
const internals = readdirSync(join(root, 'docs/internals')).map((name) => `docs/internals/${name}`)
const pages = ['ARCHITECTURE.md', 'CONTRIBUTING.md', ...internals]

/** Paths are named from the root or from `src`; a file that stands beside one that was just named, by its name alone. */
const places = ['', 'src', 'test', '.github']
const files = ['src', 'ui/src', 'test', 'bench', 'packaging', 'site'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((file) => !file.includes('node_modules')),
)
const names = new Set(files.map((file) => basename(file)))

function isThere(path: string): boolean {
  if (!path.includes('/') && names.has(path)) return true
  return places.some((place) => existsSync(join(root, place, path)))
}

/** What stands in code as a path: with a known ending, or with a slash at its end. */
function pathsIn(text: string): string[] {
  const named = [...text.matchAll(/`([\w@.-][\w@./-]*)`/g)].map(([, path = '']) => path)
  return named.filter((path) => /[^.]\.(?:[cm]?[jt]sx?|css|json|md)$/.test(path) || /^[\w.-]+(?:\/[\w.-]+)*\/$/.test(path))
}

test('every file and folder that a page names exists', () => {
  const missing = pages.flatMap((page) =>
    pathsIn(textOf(page))
      .filter((path) => !isThere(path))
      .map((path) => `${page}: ${path}`),
  )
  expect(missing).toEqual([])
  expect(pages.flatMap((page) => pathsIn(textOf(page))).length).toBeGreaterThan(150)
})

test('every folder of the sources has a row in "Where to change what"', () => {
  const [, table = ''] = /^## Where to change what\n([^]*?)^## /m.exec(textOf('ARCHITECTURE.md')) ?? []
  const folders = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|js)$/.test(entry.name))
    .map(({ parentPath }) => relative(join(root, 'src'), parentPath).replaceAll('\\', '/'))
  const missing = [...new Set(folders)].filter((folder) => folder !== '' && !table.includes(`${folder}/`))
  expect(missing).toEqual([])
})
