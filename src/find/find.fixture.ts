/** Runs `find` on files that a test writes down. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { CodeFinding } from '../findings/finding.ts'
import { edited } from './apply.ts'
import { find } from './find.ts'

export async function findIn(files: string | Readonly<Record<string, string>>): Promise<readonly CodeFinding[]> {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-find-'))
  try {
    for (const [name, text] of Object.entries(typeof files === 'string' ? { 'code.ts': files } : files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    const { findings } = await find(['.'], { root: folder })
    return findings
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The text after the fixes of everything that is proven or likely. */
export async function rewritten(text: string): Promise<string> {
  const findings = await findIn(text)
  return edited(
    text,
    findings.filter(({ tier }) => tier !== 'info').map(({ fix }) => fix ?? []),
  ).text
}
