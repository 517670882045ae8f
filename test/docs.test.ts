/** What the documentation shows compiles. `support/docs.ts` says how a page declares what it takes for given. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { checkPages } from './support/docs.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const pages = [
  'README.md',
  ...readdirSync(new URL('../docs', import.meta.url))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

test('the code of every page compiles', { timeout: 120_000 }, () => {
  const { errors, blocks } = checkPages(root, pages)
  expect(errors).toEqual([])
  expect(blocks).toBeGreaterThan(20)
})
