/** Which format a plan is in, and how it is read. A reader is loaded when its format is met. */
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'
import type { Project } from '../model/project.ts'
import { looksLikeCsv } from './csv.ts'
import { looksLikeMermaid } from './mermaid.ts'
import { planFormats, type PlanFormat } from './names.ts'
import { looksLikePsplib, looksLikeRcp } from './psplib.ts'

const readers: Readonly<Record<PlanFormat, (text: string, file: string) => Project | Promise<Project>>> = {
  json: async (text, file) => {
    const [{ locateJson }, { readOwn }] = await Promise.all([import('./located.ts'), import('./own.ts')])
    return readOwn(locateJson(text, file), file)
  },
  yaml: async (text, file) => {
    const [{ locateYaml }, { readOwn }] = await Promise.all([import('./located.ts'), import('./own.ts')])
    return readOwn(await locateYaml(text, file), file)
  },
  csv: async (text, file) => (await import('./csv.ts')).readCsv(text, file),
  mermaid: async (text, file) => (await import('./mermaid.ts')).readMermaid(text, file),
  psplib: async (text, file) => (await import('./psplib.ts')).readPsplib(text, file),
  rcp: async (text, file) => (await import('./psplib.ts')).readRcp(text, file),
}

/** Options of {@link readPlan}. */
export interface ReadOptions {
  /** What errors and findings name it. */
  readonly file?: string
  /** @default what the text and the name of the file look like */
  readonly format?: PlanFormat
}

/**
 * Reads a plan. Formats: heddle's own in JSON and YAML, CSV, Gantt charts of Mermaid, PSPLIB.
 * @throws {InvalidPlan} when it cannot be understood, or tasks need one another in a circle; with the line
 */
export async function readPlan(text: string, { file = '', format = formatOf(text, file) }: ReadOptions = {}): Promise<Project> {
  return readers[format](text, file)
}

function formatOf(text: string, file: string): PlanFormat {
  const [, ending = ''] = /\.(\w+)$/.exec(file.toLowerCase()) ?? []
  const start = text.slice(0, 200).trimStart()
  if (looksLikePsplib(text)) return 'psplib'
  if (looksLikeMermaid(text)) return 'mermaid'
  if (start.startsWith('{') || ending === 'json') return 'json'
  if (ending === 'yaml' || ending === 'yml') return 'yaml'
  if (ending === 'csv' || ending === 'tsv') return 'csv'
  if (looksLikeRcp(text)) return 'rcp'
  if (looksLikeCsv(text)) return 'csv'
  if (/^(name|tasks|unit|start|resources):/m.test(text)) return 'yaml'
  throw new InvalidPlan(`It cannot be told what kind of plan this is${place(file, 0)}`, {
    hint: `Say it: --from ${planFormats.join(' | ')}`,
  })
}
