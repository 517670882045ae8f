import { existsSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CodeFinding, type Tier, tiers } from '../findings/finding.ts'
import { map } from '../run/map.ts'
import { insideWorker } from '../workers/in-worker.ts'
import { workers } from '../workers/define.ts'
import { Cache } from './cache.ts'
import { analyseChunk, type Chunk, type FileResult } from './chunk.ts'
import { declarationsOf } from './effects/declared.ts'
import { isOrderedOnPurpose, listFiles } from './files.ts'
import { readJson } from './source/project.ts'
import type { Unreadable } from './source/source-file.ts'

/** Options of {@link find}. */
export interface FindOptions {
  /** The folder whose tsconfig and packages count, and that paths are relative to. @default the current folder */
  readonly root?: string
  /** Look at tests, migrations and seeds too: what is found there is information only. @default false */
  readonly tests?: boolean
  /** The file that keeps results between runs, by content. @default none */
  readonly cache?: string
  /** Threads at most. Few files are looked at on this thread. @default the number of cores */
  readonly threads?: number
}

/** What {@link find} gives. */
export interface FindResult {
  /** Sorted by tier, then by place. */
  readonly findings: readonly CodeFinding[]
  /** Files that were left out, and why. */
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[]
  readonly summary: { readonly files: number; readonly lines: number } & Readonly<Record<Tier, number>>
}

/** About 60,000 lines: what a chunk holds in memory, and what files in it can share. Chosen. */
const chunkBytes = 2_000_000
/** Below this a worker takes longer to start than the files to be looked at. Measured: 150 ms. */
const inlineBytes = 700_000

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
  const known = { root, packages: [...packages], declared: [...declared] }
  const aliases = ['tsconfig.json', 'tsconfig.base.json'].map((name) => readJson(join(root, name))?.['compilerOptions'])
  const cache =
    options.cache === undefined
      ? undefined
      : new Cache(resolve(root, options.cache), root, [known, aliases, files, options.tests])
  const results = new Map<string, FileResult>()
  const open: string[] = []
  for (const path of files) {
    const before = cache?.get(path)
    if (before) results.set(path, before)
    else open.push(path)
  }
  const chunks = chunksOf(open, (path) => options.tests === true || !isOrderedOnPurpose(relative(root, path)))
  const analysed = await inChunks(
    chunks.map((part) => ({ ...known, ...part })),
    options.threads ?? availableParallelism(),
  )
  for (const result of analysed.flat()) results.set(result.path, result)
  if (open.length > 0) cache?.save(files.flatMap((path) => results.get(path) ?? []))
  const findings: CodeFinding[] = []
  let lines = 0
  for (const path of files) {
    const result = results.get(path)
    if (!result) continue
    lines += result.lines
    if (result.reason !== undefined) left.push({ path, reason: result.reason })
    findings.push(...result.findings)
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

type Part = Pick<Chunk, 'files' | 'counted'> & { readonly bytes: number }

/** Neighbours stay together: they import one another, and are parsed once. */
function chunksOf(paths: readonly string[], isLookedAt: (path: string) => boolean): Part[] {
  const chunks: { files: string[]; counted: string[]; bytes: number }[] = []
  let last = chunks[0]
  for (const path of paths) {
    const looked = isLookedAt(path)
    const bytes = looked ? sizeOf(path) : 0
    if (!last || last.bytes + bytes > chunkBytes) chunks.push((last = { files: [], counted: [], bytes: 0 }))
    ;(looked ? last.files : last.counted).push(path)
    last.bytes += bytes
  }
  return chunks
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size
  } catch {
    return 0
  }
}

/** On worker threads where that pays. */
async function inChunks(chunks: readonly (Chunk & { readonly bytes: number })[], threads: number): Promise<FileResult[][]> {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
  const module = threads > 1 && bytes > inlineBytes && chunks.length > 1 && !insideWorker() ? workerModule() : undefined
  if (!module) return chunks.map(analyseChunk)
  const remote = workers<typeof import('./find.worker.ts')>(module)
  // The largest first, so that no thread ends long after the others.
  const order = chunks.toSorted((a, b) => b.bytes - a.bytes)
  return map(order, remote.analyseChunk, { concurrency: threads, name: 'find' })
}

/** Beside this file in the sources and in the build; undefined where somebody bundled it without. */
function workerModule(): URL | undefined {
  const url = new URL(import.meta.url.endsWith('.ts') ? './find.worker.ts' : './find-worker.js', import.meta.url)
  return existsSync(fileURLToPath(url)) ? url : undefined
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
    if (others === 0) return [finding]
    return [{ ...finding, proof: [...finding.proof, `${others} more ${others === 1 ? 'place leads' : 'places lead'} there`] }]
  })
}
