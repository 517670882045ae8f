import { readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { type CodeFinding, type Tier, tiers } from '../findings/finding.ts'
import { Analysis } from './analysis.ts'
import { declarationsOf } from './effects/declared.ts'
import { listFiles } from './files.ts'
import { readJson } from './source/project.ts'
import type { Unreadable } from './source/source-file.ts'

/** Options of {@link find}. */
export interface FindOptions {
  /** The folder whose tsconfig and packages count, and that paths are relative to. @default the current folder */
  readonly root?: string
}

/** What {@link find} gives. */
export interface FindResult {
  /** Sorted by tier, then by place. */
  readonly findings: readonly CodeFinding[]
  /** Files that were left out, and why. */
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[]
  readonly summary: { readonly files: number; readonly lines: number } & Readonly<Record<Tier, number>>
}

/**
 * Finds what runs one after the other and could run at once, and what runs at once and must not.
 *
 * @param paths files and folders; folders are searched for JavaScript and TypeScript, without `node_modules` and what builds write
 * @throws what the file system says of a path that cannot be read; a file that cannot be parsed is listed in `unreadable` instead
 * @example
 * const { findings } = await find(['src'])
 */
export async function find(paths: readonly string[], options: FindOptions = {}): Promise<FindResult> {
  const root = resolve(options.root ?? '.')
  const { files, unreadable, packages } = listFiles(paths.map((path) => resolve(root, path)))
  const left: Unreadable[] = [...unreadable]
  const settings = join(root, 'package.json')
  const declared = declarationsOf((readJson(settings)?.['heddle'] as { effects?: unknown } | undefined)?.effects, (reason) =>
    left.push({ path: settings, reason }),
  )
  const analysis = new Analysis(root, packages, declared)
  const findings: CodeFinding[] = []
  let lines = 0
  for (const path of files) {
    const text = read(path, left)
    if (text === undefined) continue
    lines += countLines(text)
    const found = analysis.findIn(path, text)
    if ('reason' in found) left.push(found)
    else findings.push(...found)
  }
  const found = onceForEachCause(findings)
  found.sort(
    (a, b) => tiers.indexOf(a.tier) - tiers.indexOf(b.tier) || (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line),
  )
  const counted = (tier: Tier): number => found.filter((finding) => finding.tier === tier).length
  return {
    findings: found,
    unreadable: left.map(({ path, reason }) => ({ path: relative(root, path), reason })),
    summary: { files: files.length, lines, proven: counted('proven'), likely: counted('likely'), info: counted('info') },
  }
}

function read(path: string, unreadable: Unreadable[]): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    unreadable.push({ path, reason: `it cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}` })
    return undefined
  }
}

/** Where many places lead to one cause, the first of them says how many. */
function onceForEachCause(findings: readonly CodeFinding[]): CodeFinding[] {
  const places = new Map<string, number>()
  for (const { cause } of findings) if (cause !== undefined) places.set(cause, (places.get(cause) ?? 0) + 1)
  const seen = new Set<string>()
  return findings.flatMap((finding) => {
    const { cause } = finding
    if (cause === undefined) return [finding]
    if (seen.has(cause)) return []
    seen.add(cause)
    const others = (places.get(cause) ?? 1) - 1
    return [
      others > 0
        ? { ...finding, proof: [...finding.proof, `${others} more ${others === 1 ? 'place leads' : 'places lead'} there`] }
        : finding,
    ]
  })
}

function countLines(text: string): number {
  let lines = 1
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines++
  return lines
}
