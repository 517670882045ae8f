import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CorpusReport } from './corpus.ts'
import main from './main.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-documents-'))
  await writeFile(
    join(folder, 'good.md'),
    '# Good news\n\nAda Lovelace loved the wonderful engine. Everybody was happy and delighted with it.\n',
  )
  await writeFile(
    join(folder, 'bad.md'),
    '# Bad news\n\nThe terrible fire in London destroyed everything. It was a horrible, sad disaster.\n',
  )
  await symlink(join(folder, 'nowhere'), join(folder, 'broken.md'))
})

afterAll(() => rm(folder, { recursive: true }))

test('a report on a folder: five views of each document, and the broken one costs nobody else anything', async () => {
  const report = JSON.parse(await main(folder, '--json')) as CorpusReport
  expect(report.documents).toBe(2)
  expect(report.words).toBeGreaterThan(20)
  expect(report.happiest?.file).toMatch(/good\.md$/)
  expect(report.gloomiest?.file).toMatch(/bad\.md$/)
  expect(report.happiest?.sentiment).toBeGreaterThan(0.2)
  expect(report.gloomiest?.sentiment).toBeLessThan(-0.2)
  expect(Object.keys(report.entities)).toEqual(expect.arrayContaining(['Ada Lovelace (person)', 'London (place)']))
  expect(report.failed).toEqual([{ file: join(folder, 'broken.md'), error: expect.stringContaining('ENOENT') as string }])
})

test('the table names the failed document', async () => {
  expect(await main(folder)).toMatch(/documents +2 \(1 failed\)[\s\S]*failed +broken\.md: ENOENT/)
})

test('a folder that is not there is said so', async () => {
  await expect(main(join(folder, 'none'))).rejects.toThrow('There is no folder')
})
