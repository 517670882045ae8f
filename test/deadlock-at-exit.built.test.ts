/** What cannot be told apart from work while anything else runs is rejected when the program has nothing left to do. */
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const jiti = join(dirname(createRequire(import.meta.url).resolve('jiti/package.json')), 'lib/jiti-cli.mjs')
const program = fileURLToPath(new URL('fixtures/waits-for-ever.ts', import.meta.url))

async function run(which: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [jiti, program, which], { timeout: 30_000 })
  return stdout.trim().split('\n')
}

const end = ', and nothing is left in the program that could end the wait'

describe('a program with nothing left to do', () => {
  test('rejects a second acquire in the same flow', async () => {
    expect(await run('twice')).toEqual([
      `DeadlockDetected: Deadlock: the main program waits for "orders" (held by the main program)${end}`,
    ])
  })

  test('rejects everybody who waits for a lease that was lost', async () => {
    const line = `DeadlockDetected: Deadlock: the main program waits for "orders" (held by task "forgetful")${end}`
    expect(await run('lost')).toEqual([line, line])
  })

  test('rejects tasks that wait for a message', async () => {
    expect(await run('silent')).toEqual([`DeadlockDetected: Deadlock: task "worker" waits for an item of channel "jobs"${end}`])
  })

  test('rejects a consumer of a tee that is ahead of one that waits for it', async () => {
    expect(await run('tee')).toEqual([`DeadlockDetected: Deadlock: stream waits for the slowest consumer of a tee${end}`])
  })

  test('ends without a word when only a consumer outside every run waits', async () => {
    expect(await run('over')).toEqual(['done'])
  })
})
