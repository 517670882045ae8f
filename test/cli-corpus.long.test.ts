/** Reliability test 28: whatever the command line and the files are, the documented exit code, one clear line, no stack, within five seconds. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { map } from 'heddle'
import { cliCorpus, judge } from './support/cli-corpus.ts'
import { spawnHeddle } from './support/cli.ts'
import build from './support/build.ts'

test('500 malformed files and command lines', async () => {
  await build()
  const folder = mkdtempSync(join(tmpdir(), 'heddle-corpus-'))
  try {
    const cases = cliCorpus(folder, 500)
    expect(cases.length).toBeGreaterThanOrEqual(500)
    const wrong = await map(
      cases,
      async (one) => ({ what: one.what, problems: judge(one, await spawnHeddle(one.args, { cwd: folder, timeoutMs: 5_000 })) }),
      { concurrency: 3 },
    )
    expect(wrong.filter(({ problems }) => problems.length > 0)).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
