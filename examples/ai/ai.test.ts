import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import condenseFiles from './condense.ts'
import review from './review.ts'
import askTeam from './team.ts'
import askOften from './vote.ts'

let folder = ''

beforeAll(async () => {
  // Whoever runs the tests with a key shall not pay for them.
  vi.stubEnv('OPENAI_API_KEY', undefined)
  folder = await mkdtemp(join(tmpdir(), 'heddle-ai-'))
  await writeFile(join(folder, 'good.md'), 'The loom in Bergen was wonderful and fast.\n\nEverybody was happy with it.')
  await writeFile(join(folder, 'bad.md'), 'The fire in London was terrible and everything failed.\n\nA sad loss.')
  await writeFile(
    join(folder, 'long.md'),
    Array.from({ length: 300 }, (_, i) => `Chapter ${i} begins here. ${'It goes on and on. '.repeat(12)}`).join('\n\n'),
  )
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

test('review: three views of each document', async () => {
  const text = await review(folder)
  expect(text).toMatch(/good\.md {2}positive/)
  expect(text).toMatch(/bad\.md {2}negative/)
  expect(text).toMatch(/9 calls \(9 requests\), \d+ tokens, \$0\.\d+, all simulated/)
})

test('condense: a long text in levels, with its references', async () => {
  const text = await condenseFiles(join(folder, 'long.md'))
  expect(text).toContain('Chapter 0 begins here.')
  expect(text).toMatch(/from (\d+) of \1 parts, in [2-9] levels/)
})

test('vote: the right sum, with fewer samples than could be', async () => {
  expect(await askOften()).toMatch(/^391, with a confidence of 9\d % after ([3-9]|1[0-5]) of 16 samples/)
})

test('team: the plan of a model, as far at once as it allows', async () => {
  const text = await askTeam()
  expect(text).toContain('4 tasks: research starts, research starts, compare starts, write starts')
  expect(text).toMatch(/5 calls/)
})
