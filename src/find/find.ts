import { relative, resolve } from 'node:path'
import { type Finding, type Tier, tiers } from '../findings/finding.ts'
import { Evaluator } from './effects/evaluate.ts'
import { isOrderedOnPurpose, listFiles } from './files.ts'
import { awaitInLoop } from './rules/await-in-loop.ts'
import { blockingRequest } from './rules/blocking.ts'
import { leftRunning } from './rules/left-running.ts'
import { limiterInItself } from './rules/limiter-in-itself.ts'
import { lostUpdate } from './rules/lost-update.ts'
import { type Rule, toFinding } from './rules/rule.ts'
import { sequentialAwaits } from './rules/sequential-awaits.ts'
import { unbounded } from './rules/unbounded.ts'
import { Project } from './source/project.ts'

export const rules: readonly Rule[] = [
  sequentialAwaits,
  awaitInLoop,
  unbounded,
  lostUpdate,
  limiterInItself,
  leftRunning,
  blockingRequest,
]

export interface FindOptions {
  /** The folder whose tsconfig and packages count, and that paths are relative to. @default the current folder */
  readonly root?: string
}

export interface FindResult {
  /** Sorted by tier, then by place. */
  readonly findings: readonly Finding[]
  /** Files that were left out, and why. */
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[]
  readonly summary: { readonly files: number; readonly lines: number } & Readonly<Record<Tier, number>>
}

/**
 * Finds what runs one after the other and could run at once, and what runs at once and must not.
 *
 * @param paths files and folders; folders are searched for JavaScript and TypeScript, without `node_modules` and what builds write
 *
 * @example
 * const { findings } = await find(['src'])
 */
export async function find(paths: readonly string[], options: FindOptions = {}): Promise<FindResult> {
  const root = resolve(options.root ?? '.')
  const { files, unreadable, packages } = listFiles(paths.map((path) => resolve(root, path)))
  const project = new Project(root)
  for (const [name, folder] of packages) project.addPackage(name, folder)
  const evaluator = new Evaluator(project)
  const findings: Finding[] = []
  const left = [...unreadable]
  let lines = 0
  for (const path of files) {
    const file = project.open(path)
    if (!file || 'reason' in file) {
      if (file) left.push(file)
      continue
    }
    lines += file.text.split('\n').length
    const sight = { file, evaluator, ordered: isOrderedOnPurpose(relative(root, path)) }
    for (const rule of rules) {
      for (const found of rule.find(sight)) {
        const finding = toFinding(sight, rule.name, found)
        findings.push({ ...finding, file: relative(root, path) })
      }
    }
  }
  findings.sort(
    (a, b) => tiers.indexOf(a.tier) - tiers.indexOf(b.tier) || (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line),
  )
  const counted = (tier: Tier): number => findings.filter((finding) => finding.tier === tier).length
  return {
    findings,
    unreadable: left.map(({ path, reason }) => ({ path: relative(root, path), reason })),
    summary: { files: files.length, lines, proven: counted('proven'), likely: counted('likely'), info: counted('info') },
  }
}
