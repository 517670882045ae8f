/** The report on many documents, and how two reports become one. */
import type { Entity, Readability } from './analyse.ts'

export interface Analysis {
  readonly file: string
  readonly sentiment: number
  readonly entities: readonly Entity[]
  readonly keyPhrases: readonly string[]
  readonly summary: string
  readonly readability: Readability
}

export interface CorpusReport {
  readonly documents: number
  readonly words: number
  readonly sentences: number
  /** Sums over the documents; divide by `documents` for the mean. */
  readonly sentiment: number
  readonly ease: number
  readonly entities: Readonly<Record<string, number>>
  readonly keyPhrases: Readonly<Record<string, number>>
  readonly happiest: Analysis | undefined
  readonly gloomiest: Analysis | undefined
  readonly hardest: Analysis | undefined
  readonly failed: readonly { readonly file: string; readonly error: string }[]
}

export const emptyReport: CorpusReport = {
  documents: 0,
  words: 0,
  sentences: 0,
  sentiment: 0,
  ease: 0,
  entities: {},
  keyPhrases: {},
  happiest: undefined,
  gloomiest: undefined,
  hardest: undefined,
  failed: [],
}

export function reportOn(analysis: Analysis): CorpusReport {
  const { words } = analysis.readability
  const once = (names: readonly string[]): Record<string, number> => Object.fromEntries(names.map((name) => [name, 1]))
  return {
    ...emptyReport,
    documents: 1,
    words,
    sentences: analysis.readability.sentences,
    sentiment: analysis.sentiment,
    ease: analysis.readability.ease,
    entities: once(analysis.entities.map(({ name, kind }) => `${name} (${kind})`)),
    keyPhrases: once(analysis.keyPhrases),
    // A page of a few words is no measure.
    happiest: words >= 5 ? analysis : undefined,
    gloomiest: words >= 5 ? analysis : undefined,
    hardest: words >= 100 ? analysis : undefined,
  }
}

export function reportFailure(file: string, error: unknown): CorpusReport {
  return { ...emptyReport, failed: [{ file, error: error instanceof Error ? error.message : String(error) }] }
}

/** Associative, so that it may run as a tree. */
export function mergeReports(a: CorpusReport, b: CorpusReport): CorpusReport {
  return {
    documents: a.documents + b.documents,
    words: a.words + b.words,
    sentences: a.sentences + b.sentences,
    sentiment: a.sentiment + b.sentiment,
    ease: a.ease + b.ease,
    entities: addCounts(a.entities, b.entities),
    keyPhrases: addCounts(a.keyPhrases, b.keyPhrases),
    happiest: pick(a.happiest, b.happiest, (x) => x.sentiment),
    gloomiest: pick(a.gloomiest, b.gloomiest, (x) => -x.sentiment),
    hardest: pick(a.hardest, b.hardest, (x) => -x.readability.ease),
    failed: [...a.failed, ...b.failed],
  }
}

function addCounts(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = Object.assign(Object.create(null) as Record<string, number>, a)
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count
  return sum
}

function pick(a: Analysis | undefined, b: Analysis | undefined, score: (analysis: Analysis) => number): Analysis | undefined {
  if (!a || !b) return a ?? b
  return score(b) > score(a) ? b : a
}

export function top(counts: Readonly<Record<string, number>>, most: number): [string, number][] {
  return Object.entries(counts)
    .sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))
    .slice(0, most)
}
