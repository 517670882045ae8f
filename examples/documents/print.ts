/** The report as a table for people. */
import { relative } from 'node:path'
import { type Analysis, type CorpusReport, top } from './corpus.ts'

export function table(report: CorpusReport, folder: string): string {
  const mean = (sum: number, digits: number): string => (report.documents === 0 ? '–' : (sum / report.documents).toFixed(digits))
  const name = (analysis: Analysis | undefined): string => (analysis ? relative(folder, analysis.file) : '–')
  const rows: [string, string][] = [
    ['documents', `${report.documents}${report.failed.length > 0 ? ` (${report.failed.length} failed)` : ''}`],
    ['words', report.words.toLocaleString('en')],
    ['sentences', report.sentences.toLocaleString('en')],
    ['mean sentiment', `${mean(report.sentiment, 2)}  (-1 negative … 1 positive)`],
    ['mean reading ease', `${mean(report.ease, 0)}  (Flesch: 100 easy … 0 hard)`],
    ['most positive', `${name(report.happiest)}  (${report.happiest?.sentiment.toFixed(2) ?? '–'})`],
    ['most negative', `${name(report.gloomiest)}  (${report.gloomiest?.sentiment.toFixed(2) ?? '–'})`],
    ['hardest to read', `${name(report.hardest)}  (${report.hardest?.readability.ease.toFixed(0) ?? '–'})`],
    ...list('key phrases', top(report.keyPhrases, 8)),
    ...list('entities', top(report.entities, 8)),
  ]
  if (report.happiest) rows.push(['in short', report.happiest.summary.replace(/\s+/g, ' ').slice(0, 160)])
  for (const { file, error } of report.failed) rows.push(['failed', `${relative(folder, file)}: ${error}`])
  return rows.map(([label, value]) => `${label.padEnd(18)} ${value}`).join('\n')
}

function list(label: string, counts: readonly [string, number][]): [string, string][] {
  return counts.map(([name, count], at) => [at === 0 ? label : '', `${String(count).padStart(5)} × ${name}`])
}
