import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { counterparts } from './support/counterparts.ts'

const timers = counterparts('fake-timers')
const program = fileURLToPath(new URL('./fixtures/programs/fake-timers.mjs', import.meta.url))

test.skipIf(!timers).each(['sinon', 'jest'])('the fake timers of %s stop nothing, from a cold start', (framework) => {
  const printed = execFileSync(process.execPath, [program, framework, timers?.folder ?? ''], { encoding: 'utf8' })
  expect(JSON.parse(printed)).toEqual([4, 3_000, 100_000, [1, 2], [[2, 4, 6]], 1, 'TimedOut', 'TimedOut', 1, 7])
})
