/**
 * Analyses every Markdown document of a folder: five views of each text at once (fork-join), many documents at once (map), one
 * report in the end (reduce, as a tree). Reading waits for the disk and is bounded; analysing takes the processor and runs on
 * worker threads. A document that fails is reported, and costs the others nothing.
 *
 *     npm start [folder] [-- --json]
 */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { all, mapReduce } from 'heddle'
import { entities, keyPhrases, readability, sentiment, summary } from './analyse.ts'
import { type CorpusReport, emptyReport, mergeReports, reportFailure, reportOn } from './corpus.ts'
import { markdownFiles, readProse } from './markdown.ts'
import { table } from './print.ts'

async function analyseDocument(file: string): Promise<CorpusReport> {
  try {
    const text = await readProse(file)
    const views = await all({
      sentiment: () => sentiment(text),
      entities: () => entities(text),
      keyPhrases: () => keyPhrases(text),
      summary: () => summary(text),
      readability: () => readability(text),
    })
    return reportOn({ file, ...views })
  } catch (error) {
    return reportFailure(file, error)
  }
}

export default async function main(...args: readonly string[]): Promise<string> {
  const folder = resolve(args.find((arg) => !arg.startsWith('-')) ?? join(import.meta.dirname, '../../node_modules'))
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw new Error(`There is no folder ${folder}`)
  const files = await markdownFiles(folder)
  const report = await mapReduce(files, analyseDocument, mergeReports, { concurrency: 16, empty: emptyReport })
  return args.includes('--json') ? JSON.stringify(report, undefined, 2) : table(report, folder)
}
