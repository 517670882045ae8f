/** The short version of `cli-corpus.long.test.ts`: command lines and traces in this process, a few programs as processes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { runCommandLine } from '../src/cli/command-line.ts'
import { cliCorpus, judge } from './support/cli-corpus.ts'
import { spawnHeddle } from './support/cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-corpus-'))
afterAll(() => rmSync(folder, { recursive: true }))
const cases = cliCorpus(folder, 300)

async function here(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      written[name] += String(chunk)
      return true
    }),
  )
  const listeners = process.stdout.listeners('error') as ((error: Error) => void)[]
  const before = process.exitCode
  try {
    await runCommandLine(args)
    return { code: Number(process.exitCode), ...written }
  } finally {
    process.exitCode = before
    for (const listener of process.stdout.listeners('error') as ((error: Error) => void)[])
      if (!listeners.includes(listener)) process.stdout.off('error', listener)
    for (const spy of spies) spy.mockRestore()
  }
}

test('answers command lines and traces that are wrong with one line and the right code', async () => {
  const wrong: unknown[] = []
  for (const one of cases.filter(({ kind }) => kind !== 'program')) {
    const problems = judge(one, await here(one.args))
    if (problems.length > 0) wrong.push({ what: one.what, problems })
  }
  expect(wrong).toEqual([])
})

test.concurrent.each(cases.filter(({ kind }, i) => kind === 'program' && i % 4 === 0))(
  'answers a program that is wrong: $what',
  async (one) => {
    expect(judge(one, await spawnHeddle(one.args, { cwd: folder }))).toEqual([])
  },
)
