import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { graph } from './graph.ts'

let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'heddle-learn-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/*
 *  short 0 … short 3     long ── last
 */
function work(started: string[]) {
  const g = graph('work')
  const wait = (name: string, ms: number) => async () => {
    started.push(name)
    await new Promise((resolve) => setTimeout(resolve, ms))
  }
  for (let i = 0; i < 4; i++) g.task(`short ${i}`, wait(`short ${i}`, 1))
  g.task('long', wait('long', 60))
  return g
}

test('the second run begins with what took longest in the first', async () => {
  const learn = join(folder, 'durations.json')
  const [first, second]: [string[], string[]] = [[], []]
  await work(first).run(undefined, { concurrency: 1, learn })
  await work(second).run(undefined, { concurrency: 1, learn })
  expect(first.at(-1)).toBe('long')
  expect(second[0]).toBe('long')
  const { format, tasks } = JSON.parse(readFileSync(learn, 'utf8')) as { format: string; tasks: Record<string, number[]> }
  expect([format, Object.keys(tasks).length, tasks.long?.length]).toEqual(['heddle durations 1', 5, 2])
})

test('what failed teaches nothing, and given durations go first', async () => {
  const learn = join(folder, 'durations.json')
  writeFileSync(learn, JSON.stringify({ format: 'heddle durations 1', tasks: { a: [5], b: [1] } }))
  const order: string[] = []
  const g = graph('two')
  g.task('a', () => void order.push('a'))
  g.task('b', () => {
    order.push('b')
    throw new Error('no')
  })
  await g.run(undefined, { concurrency: 1, learn, durations: { b: 9 }, onFailure: 'settle' })
  expect(order).toEqual(['b', 'a'])
  const { tasks } = JSON.parse(readFileSync(learn, 'utf8')) as { tasks: Record<string, number[]> }
  expect([tasks.a?.length, tasks.b?.length]).toEqual([2, 1])
})

test('a file that is something else runs nothing', async () => {
  const learn = join(folder, 'durations.json')
  const g = graph('one')
  g.task('a', () => {
    throw new Error('it ran')
  })
  for (const text of ['{}', 'no', '{"format":"heddle durations 1","tasks":{"a":[-1]}}']) {
    writeFileSync(learn, text)
    await expect(g.run(undefined, { learn })).rejects.toThrow('The file of `learn` is not a table of durations')
  }
})
