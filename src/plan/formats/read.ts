/** Which format a plan is in, and how it is read. A reader is loaded when its format is met. */
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'
import type { Project } from '../model/project.ts'
import { looksLikeCsv } from './csv.ts'
import { looksLikeWorkflow } from './github.ts'
import { locateJson, locateYaml } from './located.ts'
import { looksLikeMake } from './make.ts'
import { looksLikeMermaid } from './mermaid.ts'
import { looksLikeMspdi } from './mspdi.ts'
import { planFormats, type PlanFormat } from './names.ts'
import { looksLikePsplib, looksLikeRcp } from './psplib.ts'
import { looksLikePackage } from './scripts.ts'
import { looksLikeNx, looksLikeTurbo } from './task-graphs.ts'

type Reader = (text: string, file: string, target: string | undefined) => Project | Promise<Project>

const readers: Readonly<Record<PlanFormat, Reader>> = {
  json: async (text, file) => (await import('./own.ts')).readOwn(locateJson(text, file), file),
  yaml: async (text, file) => (await import('./own.ts')).readOwn(await locateYaml(text, file), file),
  csv: async (text, file) => (await import('./csv.ts')).readCsv(text, file),
  mermaid: async (text, file) => (await import('./mermaid.ts')).readMermaid(text, file),
  mspdi: async (text, file) => (await import('./mspdi.ts')).readMspdi(text, file),
  github: async (text, file) => (await import('./github.ts')).readWorkflow(await locateYaml(text, file), file),
  scripts: async (text, file, target) => (await import('./scripts.ts')).readScripts(locateJson(text, file), file, target),
  turbo: async (text, file) => (await import('./task-graphs.ts')).readTurbo(locateJson(text, file), file),
  nx: async (text, file) => (await import('./task-graphs.ts')).readNx(locateJson(text, file), file),
  make: async (text, file, target) => (await import('./make.ts')).readMake(text, file, target),
  psplib: async (text, file) => (await import('./psplib.ts')).readPsplib(text, file),
  rcp: async (text, file) => (await import('./psplib.ts')).readRcp(text, file),
}

/** Options of {@link readPlan}. */
export interface ReadOptions {
  /** What errors and findings name it. */
  readonly file?: string
  /** @default what the text and the name of the file look like */
  readonly format?: PlanFormat
  /** The script or target to plan, of a package.json or a database of make. @default the scripts that no other calls, the default goal */
  readonly target?: string
}

/**
 * Reads a plan. Formats: heddle's own in JSON and YAML, CSV, Gantt charts of Mermaid, XML of Microsoft Project, workflows of GitHub Actions, scripts
 * of a package.json, task graphs of turbo and Nx, the database of make, PSPLIB.
 * @param text of the file
 * @throws {InvalidPlan} when it cannot be understood, or tasks need one another in a circle; with the line
 * @example
 * const project = await readPlan(readFileSync('plan.yaml', 'utf8'), { file: 'plan.yaml' })
 */
export async function readPlan(
  text: string,
  { file = '', format = formatOf(text, file), target }: ReadOptions = {},
): Promise<Project> {
  return readers[format](text, file, target)
}

function formatOf(text: string, file: string): PlanFormat {
  const [, ending = ''] = /\.(\w+)$/.exec(file.toLowerCase()) ?? []
  const start = text.slice(0, 200).trimStart()
  if (looksLikePsplib(text)) return 'psplib'
  if (looksLikeMermaid(text)) return 'mermaid'
  if (looksLikeMspdi(text)) return 'mspdi'
  if (looksLikeMake(text)) return 'make'
  if (start.startsWith('{') || ending === 'json') return jsonFormatOf(text, file)
  if (looksLikeWorkflow(text)) return 'github'
  if (ending === 'yaml' || ending === 'yml') return 'yaml'
  if (ending === 'csv' || ending === 'tsv') return 'csv'
  if (looksLikeRcp(text)) return 'rcp'
  if (looksLikeCsv(text)) return 'csv'
  if (/^(name|tasks|unit|start|resources):/m.test(text)) return 'yaml'
  throw new InvalidPlan(`The format of this plan was not recognized${place(file, 0)}`, {
    hint: `Say it: --from ${planFormats.join(' | ')}`,
  })
}

/** What is not JSON is reported by whoever reads it. */
function jsonFormatOf(text: string, file: string): PlanFormat {
  const root = locateJson(text, file)
  if (looksLikeTurbo(root)) return 'turbo'
  if (looksLikeNx(root)) return 'nx'
  return looksLikePackage(root) ? 'scripts' : 'json'
}
