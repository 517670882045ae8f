/**
 * Analyses every Markdown document of a folder: five views of each text at once (fork-join), many documents at once (map), one
 * report in the end (reduce, as a tree). Reading waits for the disk and is bounded; analysing takes the processor and runs on
 * worker threads. A document that fails is reported, and costs the others nothing.
 *
 *     npm start [folder] [-- --json]
 *
 * With `--fleet redis://…` the views are computed on every machine where `heddle worker --fleet redis://… examples/documents/analyse.ts` runs.
 */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { all, mapReduce } from 'heddle'
import { bullmq } from 'heddle/bullmq'
import * as views from './analyse.ts'
import { type CorpusReport, emptyReport, mergeReports, reportFailure, reportOn } from './corpus.ts'
import { markdownFiles, readProse } from './markdown.ts'
import { table } from './print.ts'

async function analyseDocument(
  file: string,
  { sentiment, entities, keyPhrases, summary, readability }: typeof views,
): Promise<CorpusReport> {
  try {
    const text = await readProse(file)
    const found = await all({
      sentiment: () => sentiment(text),
      entities: () => entities(text),
      keyPhrases: () => keyPhrases(text),
      summary: () => summary(text),
      readability: () => readability(text),
    })
    return reportOn({ file, ...found })
  } catch (error) {
    return reportFailure(file, error)
  }
}

export default async function main(...args: readonly string[]): Promise<string> {
  const at = args.indexOf('--fleet')
  const url = at === -1 ? undefined : args[at + 1]
  const folder = resolve(
    args.find((arg, i) => !arg.startsWith('-') && (at === -1 || i !== at + 1)) ?? join(import.meta.dirname, '../../node_modules'),
  )
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw new Error(`There is no folder ${folder}`)
  const files = await markdownFiles(folder)
  const fleet = url === undefined ? undefined : await bullmq({ url })
  const here = fleet
    ? {
        sentiment: fleet.bind(views.sentiment),
        entities: fleet.bind(views.entities),
        keyPhrases: fleet.bind(views.keyPhrases),
        summary: fleet.bind(views.summary),
        readability: fleet.bind(views.readability),
      }
    : views
  const analyse = (file: string): Promise<CorpusReport> => analyseDocument(file, here)
  const report = await mapReduce(files, analyse, mergeReports, { concurrency: fleet ? 64 : 16, empty: emptyReport })
  await fleet?.close()
  return args.includes('--json') ? JSON.stringify(report, undefined, 2) : table(report, folder)
}
