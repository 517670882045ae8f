/** A trace may come from a stranger and name any file. Only sources of the project are shown, by what their path really leads to. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { frameOf } from './source-lines.ts'

const secret = 'KEY=sk-very-secret'
let [project, outside] = ['', '']

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-source-'))
  project = join(folder, 'project')
  outside = join(folder, 'outside')
  for (const path of [project, join(project, 'src'), join(project, 'node_modules'), outside]) mkdirSync(path)
  writeFileSync(join(project, 'src', 'a.ts'), 'const a = 1\nthrow new Error(String(a))\n')
  for (const path of [join(project, '.env'), join(project, 'node_modules', 'm.ts'), join(outside, 'b.ts'), join(outside, '.env')])
    writeFileSync(path, `${secret}\n`)
  const link = (to: string, name: string): void => symlinkSync(to, join(project, name))
  link(join(project, '.env'), 'env.ts')
  link(join(outside, '.env'), 'env-outside.ts')
  link(join(outside, 'b.ts'), 'outside.ts')
  link(outside, 'folder')
  link(join(project, 'node_modules', 'm.ts'), 'm.ts')
  link('/dev/zero', 'zero.ts')
  link('/proc/self/environ', 'environ.ts')
  link(join(project, 'src'), 'sources')
  link('loop.ts', 'loop.ts')
  mkdirSync(join(project, 'folder.ts'))
  writeFileSync(join(project, 'large.ts'), 'x'.repeat(2_000_001))
  execFileSync('mkfifo', [join(project, 'fifo.ts')])
})
afterAll(() => rmSync(join(project, '..'), { recursive: true, force: true }))

const stackOf = (path: string): string => `Error: x\n    at f (${path}:1:7)`

describe('the lines around a place in a stack', () => {
  test.each(['src/a.ts', 'sources/a.ts'])('are those of a source of the project: %s', (path) => {
    const frame = frameOf(stackOf(join(project, path)), project)
    expect(frame?.at).toBe(`${path}:1:7`)
    expect(frame?.lines[0]).toEqual({ number: 1, text: 'const a = 1', here: true })
  })

  test.each([
    'env.ts',
    'env-outside.ts',
    'outside.ts',
    'folder/b.ts',
    'm.ts',
    'zero.ts',
    'environ.ts',
    'loop.ts',
    'folder.ts',
    'large.ts',
    'fifo.ts',
    '.env',
    'node_modules/m.ts',
    '../outside/b.ts',
    'src/../../outside/b.ts',
    'nowhere.ts',
  ])('are not shown of %s', (path) => {
    // join() would do away with the way back.
    for (const place of [`${project}/${path}`, pathToFileURL(project).href + `/${path}`])
      expect(frameOf(stackOf(place), project)).toBeUndefined()
  })

  test.each([0, 3_000, -1])('are not shown of line %i, which is not there', (line) => {
    expect(frameOf(`Error: x\n    at f (${join(project, 'src', 'a.ts')}:${line}:1)`, project)).toBeUndefined()
  })
})
