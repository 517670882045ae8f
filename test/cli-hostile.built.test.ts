/** What came from outside is shown as text: it neither drives the terminal nor the workflow, and names no file that is then printed. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { afterAll, describe, expect, test } from 'vitest'
import { programs, spawnHeddle } from './support/cli.ts'
import { reporters } from '../src/cli/reporters/names.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-hostile-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string): string => join(folder, name)

/** Controls other than newlines and the colours of the reporters, and what turns text around. */
const driving = /(?![\n\t])[\p{Cc}\u202E]/u
const esc = '\u001B'
const ownControls = new RegExp(`${esc}\\[(?:\\d+m|\\?2026[hl]|1A|2K)|\\r`, 'g')
/** What GitHub takes for a command, but an annotation of ours. */
const workflow = /^\s*::(?!error (?:file=[^\n]*,line=\d+,)?title=)|##\[/m

describe.concurrent('terminal and workflow', () => {
  test.each(reporters.flatMap((name) => ['names', 'fails'].map((how) => [name, how] as const)))(
    '%s: %s',
    async (reporter, how) => {
      const summary = file(`${reporter}-${how}.md`)
      const trace = file(`${reporter}-${how}.heddle`)
      const { stdout, stderr } = await spawnHeddle(['run', '--reporter', reporter, '--trace', trace, 'hostile.ts', how], {
        env: { GITHUB_STEP_SUMMARY: summary, FORCE_COLOR: reporter === 'stream' ? '1' : '0' },
      })
      const said = reporter === 'json' ? stdout + stderr : stderr
      expect(said).toContain(how === 'names' ? 'task' : 'message')
      expect(said.replaceAll(ownControls, '')).not.toMatch(driving)
      expect(said).not.toMatch(workflow)
      const explained = await spawnHeddle(['trace', trace])
      expect(explained.stdout).not.toMatch(driving)
      expect(explained.stdout).not.toMatch(workflow)
    },
  )

  test('also what the command line itself holds', async () => {
    for (const args of [
      ['run', 'a\u001B[2J\n::error::x.ts'],
      ['\u001B[2J'],
      ['run', '--\u001B[2J'],
      ['trace', 'x\u001B[2J\n::error::y'],
    ]) {
      const { code, stderr } = await spawnHeddle(args)
      expect(code).toBe(2)
      expect(stderr).not.toMatch(driving)
      expect(stderr).not.toMatch(workflow)
    }
  })
})

describe.concurrent('code frames', () => {
  const secret = 'SECRET=hunter2'
  const outside = file('outside.ts')
  const inside = join(programs, '.secret-test.env')
  writeFileSync(outside, `${secret}\n`)
  writeFileSync(inside, `${secret}\n`)
  mkdirSync(file('project'))
  symlinkSync(inside, join(programs, '.link-test.ts'))
  afterAll(() => {
    rmSync(inside)
    rmSync(join(programs, '.link-test.ts'))
  })

  test.each([outside, inside, join(programs, '.link-test.ts'), '/etc/passwd', '/dev/zero'])('never show %s', async (path) => {
    for (const how of ['place', 'changed']) {
      const { code, stderr, stdout } = await spawnHeddle(['run', 'hostile.ts', how, path])
      expect(code).toBe(1)
      expect(stderr + stdout).not.toContain(secret)
      expect(stderr).not.toContain('root:')
    }
  })

  test('are those of the stack, not of the message', async () => {
    const { stderr } = await spawnHeddle(['run', 'hostile.ts', 'place', join(programs, 'fails.ts')])
    expect(stderr).toMatch(/^ {2}at hostile\.ts:\d+$/m)
    expect(stderr).not.toContain('> 1 |')
  })

  test.skipIf(process.platform === 'win32')('do not wait for a pipe', async () => {
    execFileSync('mkfifo', [file('pipe.ts')])
    expect((await spawnHeddle(['run', 'hostile.ts', 'changed', file('pipe.ts')])).code).toBe(1)
  })
})

describe.skipIf(process.platform === 'win32').concurrent('files that are not regular', () => {
  const pipe = (name: string): string => {
    execFileSync('mkfifo', [file(name)])
    return file(name)
  }

  test.each([
    ['a program', () => ['run', pipe('program.ts')]],
    ['a plan', () => ['run', '-n', pipe('plan.ts')]],
    ['a trace that is written', () => ['run', '--trace', pipe('written.heddle'), 'plain.mjs']],
    ['a device that is written', () => ['run', '--trace', '/dev/null', 'plain.mjs']],
    ['a trace that is read', () => ['trace', pipe('read.heddle')]],
    ['a trace that is compared', () => ['trace', 'compare', pipe('a.heddle'), pipe('b.heddle')]],
    ['a trace that is shown', () => ['ui', '--no-open', pipe('shown.heddle')]],
    ['an endless device', () => ['trace', '/dev/zero']],
  ])('are refused as %s', async (_, args) => {
    const { code, stderr } = await spawnHeddle(args())
    expect([code, stderr]).toEqual([2, expect.stringMatching(/not a regular file|no regular file/)])
  })
})
