/** What the documentation shows compiles, and what it lists is complete. `support/docs.ts` says how a page declares what it takes for given. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import * as errors from '../src/base/errors.ts'
import { checkPages } from './support/docs.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
const pages = ['README.md', ...docs.map((name) => `docs/${name}`)]
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

test('every error has a row', () => {
  const page = textOf('docs/errors.md')
  const classes = Object.values(errors).filter(
    (value) => typeof value === 'function' && value.prototype instanceof errors.HeddleError,
  )
  const missing = classes.filter(({ prototype }) => !page.includes(`| \`${prototype.name}\` \`${prototype.code}\` |`))
  expect(missing.map(({ name }) => name)).toEqual([])
  expect(classes.length).toBeGreaterThan(15)
})
