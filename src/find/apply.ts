/** Writes the edits of findings into their files. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Edit, CodeFinding } from '../findings/finding.ts'

/** What {@link applyFixes} changed. */
export interface Applied {
  readonly files: readonly string[]
  readonly findings: number
}

/**
 * Applies the fixes of `findings`. Where two fixes overlap the first one wins: the other is found again in the next run.
 *
 * @param root the folder that the files of the findings are relative to
 * @throws what the file system says of a file that cannot be read or written
 * @example
 * applyFixes('.', findings.filter(({ tier }) => tier === 'proven'))
 */
export function applyFixes(root: string, findings: readonly CodeFinding[]): Applied {
  const grouped = new Map<string, CodeFinding[]>()
  for (const finding of findings) {
    if (!finding.fix) continue
    const same = grouped.get(finding.file)
    if (same) same.push(finding)
    else grouped.set(finding.file, [finding])
  }
  let applied = 0
  for (const [file, ofFile] of grouped) {
    const path = join(root, file)
    const { text, count } = edited(
      readFileSync(path, 'utf8'),
      ofFile.map(({ fix }) => fix ?? []),
    )
    writeFileSync(path, text)
    applied += count
  }
  return { files: [...grouped.keys()], findings: applied }
}

/** A `text` with `fixes`, which hold together: all edits of one are made, or none where another has the place. Never throws. */
export function edited(text: string, fixes: readonly (readonly Edit[])[]): { readonly text: string; readonly count: number } {
  const accepted: Edit[] = []
  let count = 0
  for (const fix of fixes) {
    // An import that two fixes need is inserted once.
    const own = fix.filter((edit) => !accepted.some((other) => isSame(edit, other)))
    if (own.some((edit) => accepted.some((other) => edit.start < other.end && other.start < edit.end))) continue
    accepted.push(...own)
    count++
  }
  accepted.sort((a, b) => b.start - a.start)
  let result = text
  for (const { start, end, text: replacement } of accepted) result = result.slice(0, start) + replacement + result.slice(end)
  return { text: result, count }
}

function isSame(a: Edit, b: Edit): boolean {
  return a.start === b.start && a.end === b.end && a.text === b.text
}
