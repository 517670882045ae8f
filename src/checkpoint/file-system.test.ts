import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openJournal } from './open.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'heddle-'))))
afterEach(() => rmSync(folder, { recursive: true }))

async function recorded(path: string): Promise<number> {
  await using journal = await openJournal(path, { program: 'test' })
  return await journal.at('part').step('a', () => 2)
}

const posix = process.platform !== 'win32'

describe.runIf(posix)('a journal', () => {
  test('is readable for its owner alone, and leaves nothing else behind', async () => {
    const path = join(folder, 'run.jsonl')
    await recorded(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['run.jsonl'])
  })

  test('follows no link that lies where a temporary file could be expected', async () => {
    const victim = join(folder, 'victim')
    writeFileSync(victim, 'precious')
    for (const name of ['run.jsonl.new', 'run.jsonl.lock', 'run.jsonl.tmp', 'run.jsonl.lock-0'])
      symlinkSync(victim, join(folder, name))
    expect(await recorded(join(folder, 'run.jsonl'))).toBe(2)
    expect(readFileSync(victim, 'utf8')).toBe('precious')
  })

  test('is no pipe, and neither is its lock', async () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe, join(folder, 'run.jsonl.lock')])
    await expect(recorded(pipe)).rejects.toThrow(/could not be opened: it is not a regular file/)
    await expect(recorded(join(folder, 'run.jsonl'))).rejects.toThrow(/it is not a regular file/)
    await expect(recorded('/dev/null')).rejects.toThrow(/could not be opened/)
  })
})
