/**
 * One chunk of the files of a project, looked at together. It is what a worker function gets: chunks share nothing, so that all cores are used, and
 * what was read for one is free when the next begins.
 */
import { readFileSync } from 'node:fs'
import type { CodeFinding } from '../findings/finding.ts'
import { Analysis } from './analysis.ts'
import type { Known } from './effects/known.ts'

export interface Chunk {
  readonly root: string
  readonly files: readonly string[]
  /** Files whose lines are counted, and nothing else. */
  readonly counted: readonly string[]
  /** Packages of the workspace by name, and their folders. */
  readonly packages: readonly (readonly [name: string, folder: string])[]
  /** What the settings say of functions. */
  readonly declared: readonly (readonly [name: string, effects: Known])[]
}

export interface FileResult {
  readonly path: string
  readonly findings: readonly CodeFinding[]
  /** Why it was left out. */
  readonly reason: string | undefined
  readonly lines: number
  /** Other files of the project on which the findings depend. */
  readonly needs: readonly string[]
}

/** Never throws because of a file: what cannot be read or parsed has a reason. */
export function analyseChunk({ root, files, counted, packages, declared }: Chunk): FileResult[] {
  const analysis = new Analysis(root, new Map(packages), new Map(declared))
  const looked = new Set(files)
  const results = [...files, ...counted].map((path) => {
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      const reason = `it cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`
      return { path, findings: [], reason, lines: 0 }
    }
    if (!looked.has(path)) return { path, findings: [], reason: undefined, lines: countLines(text) }
    const found = lookedAt(analysis, path, text)
    const left = 'reason' in found
    return { path, findings: left ? [] : found, reason: left ? found.reason : undefined, lines: countLines(text) }
  })
  // Only at the end is it known whom each file led to.
  return results.map((result) => ({ ...result, needs: analysis.neededBy(result.path) }))
}

/** A file that leads the analysis astray is left out, and the rest goes on. */
function lookedAt(
  analysis: Analysis,
  path: string,
  text: string,
): readonly CodeFinding[] | (Pick<FileResult, 'path'> & { reason: string }) {
  try {
    return analysis.findIn(path, text)
  } catch (error) {
    return { path, reason: `it cannot be analysed: ${error instanceof Error ? error.message : String(error)}` }
  }
}

function countLines(text: string): number {
  let lines = 1
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines++
  return lines
}
