/** A session in the terminal: what a person sees of `run`, `--ui`, `trace`, `find`, `-n` and of mistakes, at every width. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { displayWidth } from '../src/base/display-width.ts'
import { hasTmux, Terminal } from './support/terminal.ts'

const files = {
  'build.ts': `import { graph, sh } from 'heddle'
const build = graph('build')
const lint = build.task('lint', () => sh('sleep 0.3; echo 14 files checked', { name: 'lint' }))
const types = build.task('types', () => sh('sleep 0.5', { name: 'types' }))
const bundle = build.task('bundle the whole program for production', { types }, () => sh('sleep 0.3; echo bundled', { name: 'bundle' }))
build.task('pack', { lint, bundle }, () => sh('sleep 0.2', { name: 'pack' }))
export default build
`,
  'slow.ts': `import { setTimeout as sleep } from 'node:timers/promises'
import { map } from 'heddle'
export default async function main(count = '100') {
  const items = Array.from({ length: Number(count) }, (_, i) => i)
  await map(items, async function fetchTheWholePageOfTheCustomer(i) { await sleep(30); return i }, { concurrency: 4 })
  return 'all done'
}
`,
  'fails.ts': `import { map } from 'heddle'
await map([1, 2, 3], async function price(n) {
  if (n === 2) throw new Error('there is no price for the second of the three items that were asked for')
  return n
})
`,
  'loops.ts': `export async function all(urls: string[]) {
  const found: Response[] = []
  for (const url of urls) found.push(await fetch(url))
  return found
}
`,
  'package.json': '{"type":"module"}',
}
const folder = mkdtempSync(join(tmpdir(), 'heddle-terminal-'))
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
mkdirSync(join(folder, 'node_modules'))
symlinkSync(fileURLToPath(new URL('..', import.meta.url)), join(folder, 'node_modules/heddle'), 'dir')
afterAll(() => rmSync(folder, { recursive: true }))

const found = hasTmux()
if (!found) console.warn('tmux is not here: what a terminal shows is not tested')

describe.skipIf(!found).each([36, 44, 80, 160])('a terminal of %i columns', (columns) => {
  let terminal: Terminal
  beforeAll(() => {
    terminal = new Terminal(folder, columns)
  })
  afterAll(() => terminal.close())

  /** Words that stand whole in what was written stand whole on the screen. */
  function unbroken(screen: string, ...texts: readonly string[]): void {
    const flat = screen.replace(/\s+/g, ' ')
    for (const text of texts) expect(flat).toContain(text)
    expect(Math.max(...screen.split('\n').map(displayWidth))).toBeLessThanOrEqual(columns)
  }

  test('shows a run while it goes on: the counts always, the name as far as it fits', async () => {
    terminal.start('heddle run slow.ts')
    const live = await terminal.shows(/[2-9]\d\/100/)
    const line = live.split('\n').find((text) => text.startsWith('▸')) ?? ''
    expect(line).toMatch(/^▸ map "fetch/)
    expect(line).toMatch(/\d+\/100/)
    const { screen, code } = await terminal.end()
    expect(code).toBe(0)
    expect(screen.startsWith('all done')).toBe(true)
    unbroken(screen, '→', 'sum of measured task time against wall time', '(25 in a row)', 'of the wall time', '4 at once')
    // The window is gone.
    expect(screen).not.toContain('▸')
  })

  test('survives that the terminal becomes narrower meanwhile', async () => {
    terminal.start('heddle run slow.ts 150')
    await terminal.shows(/[2-9]\d\/150/)
    terminal.resize(30)
    await terminal.shows(/(?:[6-9]|1[0-4])\d\/150/)
    const { screen } = await terminal.end()
    terminal.resize(columns)
    expect(screen).toContain('all done')
    // tmux breaks the lines a moment before the program hears of it, and what is drawn in that moment stays.
    expect(screen.match(/▸/g)?.length ?? 0).toBeLessThanOrEqual(2)
  })

  test('shows the lines of commands, the result and the verdict of a graph', async () => {
    const { screen, code } = await terminal.run('heddle run build.ts')
    expect(code).toBe(0)
    expect(screen).toMatch(/^lint +\| 14 files checked$/m)
    expect(screen).toMatch(/^bundle +\| bundled$/m)
    unbroken(screen, 'bound by types → bundle the whole program for production → pack', 'waiting on dependencies')
  })

  test('shows a plan', async () => {
    const { screen, code } = await terminal.run('heddle run -n build.ts')
    expect(code).toBe(0)
    unbroken(screen, 'graph "build": 4 tasks in 3 levels', 'types → bundle the whole program for production → pack')
    // One row for each task: its name, its bar, its slot.
    const rows = screen.split('\n').filter((line) => /[█▒]/.test(line))
    expect(rows).toHaveLength(4)
    for (const row of rows) expect(row).toMatch(/^ {2}\S.* {2}[·█▒]{8,} {2}slot \d$/)
    expect(screen).not.toContain('14 files checked')
  })

  test('shows a failure: what, in which task, where, and the code around it', async () => {
    const { screen, code } = await terminal.run('heddle run fails.ts')
    expect(code).toBe(1)
    unbroken(screen, 'Error: there is no price for the second of the three items that were asked for', 'in map "price"[1]')
    expect(screen).toContain('at fails.ts:3')
    expect(screen).toMatch(/^ {2}> 3 \| {3}if \(n === 2\)/m)
    expect(screen.split('\n').filter((line) => /^ {2}[> ] \d \|/.test(line))).toHaveLength(5)
    expect(screen).not.toMatch(/node_modules|dist\/|node:internal/)
  })

  test('explains a trace in tables that keep their columns', async () => {
    await terminal.run('heddle run -q --trace r.heddle slow.ts 20')
    const { screen, code } = await terminal.run('heddle trace r.heddle')
    expect(code).toBe(0)
    unbroken(screen, 'Where the time went', 'this thread × 4', 'Critical path', 'Groups')
    for (const row of screen.split('\n').filter((line) => /^ {2}this thread/.test(line))) expect(row).toMatch(/\d+|%$/)
  })

  test('finds what waits without need', async () => {
    const { screen, code } = await terminal.run('heddle find loops.ts')
    expect(code).toBe(1)
    unbroken(screen, 'loops.ts:3 await-in-loop', 'instead: await map(', '1 proven, 0 likely')
  })

  test.each([
    ['heddle slow.ts', 'did you mean heddle run slow.ts?'],
    ['heddle rnu slow.ts', 'did you mean heddle run?'],
    ['heddle run --trce r slow.ts', 'did you mean --trace?'],
    ['heddle run -n slow.ts', 'nothing was run'],
    ['heddle run nowhere.ts', 'nowhere.ts'],
    ['heddle trace slow.ts', 'slow.ts'],
    ['heddle run --trace slow.ts build.ts', 'and would be overwritten'],
    ['heddle run -j 0 slow.ts', '--concurrency'],
  ])('says what is wrong with "%s", and runs nothing', async (line, says) => {
    const { screen, code } = await terminal.run(line)
    expect(code).toBe(2)
    unbroken(screen, says)
    expect(screen).toMatch(/^error: /)
    expect(screen).not.toMatch(/all done|14 files|\n {4}at /)
  })

  test('helps', async () => {
    const { screen, code } = await terminal.run('heddle run --help')
    expect(code).toBe(0)
    unbroken(screen, 'the most tasks of a graph at once, and the most workers', 'show the version')
  })

  test('ends at Ctrl-C, and says what it had done', async () => {
    terminal.start('heddle run slow.ts 9000')
    await terminal.shows(/[1-9]\d\/9000/)
    terminal.press('C-c')
    const { screen, code } = await terminal.end()
    expect(code).toBe(130)
    unbroken(screen, 'draining, press again to force', 'bound by')
  })

  test('keeps the page of a run until Ctrl-C', async () => {
    terminal.start('heddle run --ui --no-open slow.ts 20')
    const open = await terminal.shows(/http:\/\/127\.0\.0\.1:[\s\S]*all done[\s\S]*Ctrl-C/)
    expect(open.replace(/\n/g, '')).toMatch(/http:\/\/127\.0\.0\.1:\d+\/\S+/)
    terminal.press('C-c')
    expect((await terminal.end()).code).toBe(0)
  })
})
