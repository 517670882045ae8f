import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { spawnHeddle } from './support/cli.ts'
import { expectSameAndTrue, projectOf } from './support/jobs.ts'

const project = projectOf('build')
const out = join(project, 'out')
afterAll(() => rmSync(project, { recursive: true }))

test('examples/build makes the thirty files of the plain program', async () => {
  await expectSameAndTrue(project, [out], () => {
    const made = readdirSync(out).map((name) => [name, readFileSync(join(out, name), 'utf8')])
    rmSync(out, { recursive: true })
    expect(made).toHaveLength(30)
    return made
  })
})

test('a command that fails stops the build, and is named', async () => {
  const step = join(project, 'step.mjs')
  writeFileSync(step, `${readFileSync(step, 'utf8')}if (basename(target) === 'net') process.exit(3)\n`)
  const { code, stderr } = await spawnHeddle(['run', 'main.ts', out], { cwd: project, timeoutMs: 60_000 })
  expect(code).toBe(1)
  expect(stderr).toContain('net')
  expect(stderr).toMatch(/exit(ed)?( with)?( code)? 3/)
  expect(readdirSync(out)).not.toContain('program')
})
