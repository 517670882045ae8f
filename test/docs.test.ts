/** What the documentation shows compiles, and what it lists is complete. `support/docs.ts` says how a page declares what it takes for given. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import * as errors from '../src/base/errors.ts'
import { checkPages } from './support/docs.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'))
const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...docs.map((name) => `docs/${name.replaceAll('\\', '/')}`)]
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')

test('the code of every page compiles', { timeout: 120_000 }, () => {
  const { errors: found, blocks } = checkPages(root, pages)
  expect(found).toEqual([])
  expect(blocks).toBeGreaterThan(20)
})

test('links between pages and to files lead somewhere', () => {
  const broken = pages.flatMap((page) =>
    [...textOf(page).matchAll(/\]\((?!https?:)([^)#\s]+)(#[^)]*)?\)|srcset="([^"]+)"|src="([^"]+)"/g)]
      .map(([, link, , srcset, src]) => link ?? srcset ?? src ?? '')
      .filter((link) => !existsSync(join(root, dirname(page), link)))
      .map((link) => `${page}: ${link}`),
  )
  expect(broken).toEqual([])
})

// Pictures stay out of the package: npm shows those of the repository.
test('links lead somewhere in the package as well', () => {
  const listed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--silent'], {
    cwd: root,
    encoding: 'utf8',
  })
  const packed = (JSON.parse(listed) as { files: { path: string }[] }[]).flatMap(({ files }) => files.map(({ path }) => path))
  const broken = packed
    .filter((path) => path.endsWith('.md'))
    .flatMap((page) =>
      [...textOf(page).matchAll(/(?<!!\[[^\]]*)\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, link = '']) => join(dirname(page), link).replaceAll('\\', '/'))
        .filter((target) => !packed.some((path) => path === target || path.startsWith(`${target}/`)))
        .map((target) => `${page}: ${target}`),
    )
  expect(broken).toEqual([])
  expect(packed).toContain('docs/servers.md')
})

test('the README begins with what works after installing, and in a clone', () => {
  const readme = textOf('README.md')
  expect(readme).toMatch(/npm install heddle\nnpx heddle run FILE/)
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
  for (const [, name = ''] of readme.matchAll(/npm (?:run )?(start|test|[a-z]+:[a-z]+)\b/g))
    expect(scripts).toHaveProperty([name])
})

test('every error has a row', () => {
  const page = textOf('docs/errors.md')
  const classes = Object.values(errors).filter(
    (value) => typeof value === 'function' && value.prototype instanceof errors.HeddleError,
  )
  const missing = classes.filter(({ prototype }) => !page.includes(`| \`${prototype.name}\` \`${prototype.code}\` |`))
  expect(missing.map(({ name }) => name)).toEqual([])
  expect(classes.length).toBeGreaterThan(15)
})
