/** The programs that pages about models say run offline: run as they stand there. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Pages, and what their programs print. */
const programs: Readonly<Record<string, RegExp>> = {
  'models-batch': /500 answers, 0 failures, \d+ sent again\n\d batches, 50 % of the price/,
  'models-extraction': /\{ item: 'lamp', euros: 12 \} 0 failed\n4 requests, 2 answers from the cache/,
  'models-long-texts': /Chapter 0 begins.* from \d+ parts\n\[ 'mood', 'names' \] with the prompt cache/,
  'models-api': /^42 42 1$/m,
  'models-agents': /rome: 'The tool says: sunny in .*Rome/,
  'models-people': /mail: 'The tool says: sent: /,
  'models-progress': /The ship leaves\. The storm comes\. The ship is home\./,
  'models-telemetry': /^4$/m,
  'models-shared-limits': /\[ 50, 50 \] \d/,
}

test.each(Object.entries(programs))('the program of docs/%s.md runs', async (page, expected) => {
  const [, program = ''] = /```ts\n([^]*?)```/.exec(readFileSync(join(root, `docs/${page}.md`), 'utf8')) ?? []
  // Inside the project, so that it finds what it imports.
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'docs-'))
  try {
    writeFileSync(join(folder, 'program.ts'), program)
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'dist/cli.js'), 'run', 'program.ts'], {
      cwd: folder,
    })
    expect(stdout).toMatch(expected)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
