/** What findings cost: a recorded run says how long what they name took. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CodeFinding } from '../findings/finding.ts'
import { isTrace } from '../trace/format/file.ts'
import { readSpans, readTrace, type Spans, type Trace } from '../trace/index.ts'

/** Time that was spent at a place of the code, or in something of a name. */
export interface Cost {
  /** As the trace names it; empty where it does not. */
  readonly file: string
  /** From 1; 0 where the trace does not say. */
  readonly line: number
  readonly name: string
  readonly ms: number
}

/** With how many rounds at once the saving of a loop is reckoned: the bound that remedies write. */
const assumedConcurrency = 8

/**
 * Reads the costs from a trace: of heddle, by the names of tasks and runs; of other systems, by their code attributes and the names of spans.
 *
 * @param path of the file
 * @throws {FileRefused} for what is neither
 */
export async function costsOf(path: string): Promise<readonly Cost[]> {
  return isTrace(path) ? fromTrace(readTrace(path)) : fromSpans(await readSpans([path]))
}

function fromTrace({ tasks, runs, strings }: Trace): Cost[] {
  const sums = new Map<string, number>()
  const add = (name: string | undefined, ms: number): void => {
    if (name && ms > 0) sums.set(name, (sums.get(name) ?? 0) + ms)
  }
  const nameOfRun = new Map<number, string>()
  for (let run = 0; run < runs.count; run++) nameOfRun.set(runs.id[run] as number, strings[runs.name[run] as number] ?? '')
  for (let task = 0; task < tasks.count; task++) {
    const ms = (tasks.settledAt[task] as number) - (tasks.startedAt[task] as number)
    add(strings[tasks.name[task] as number] || nameOfRun.get(tasks.run[task] as number), ms)
  }
  return [...sums].map(([name, ms]) => ({ file: '', line: 0, name, ms }))
}

function fromSpans({ rows, strings }: Spans): Cost[] {
  const sums = new Map<string, Cost>()
  for (let row = 0; row < rows.count; row++) {
    const code = strings[rows.code[row] as number] ?? ''
    const [, file = '', line = '0', fn = ''] = /^(?:(\S*?)(?::(\d+))?)(?:\s(.*))?$/.exec(code) ?? []
    const hasFile = /\.[cm]?[jt]sx?$/.test(file)
    const name = (hasFile ? fn : code) || (strings[rows.name[row] as number] ?? '')
    const key = `${file}\0${line}\0${name}`
    const ms = (rows.end[row] as number) - (rows.start[row] as number) + (sums.get(key)?.ms ?? 0)
    sums.set(key, { file: hasFile ? file : '', line: Number(line), name, ms })
  }
  return [...sums.values()]
}

/**
 * The findings that cost most first, with `savingMs` where the trace saw what they name; then the others, as they were. Never throws.
 *
 * @param root the folder that the files of the findings are relative to
 * @param costs as `costsOf` gives them
 */
export function rankedByCost(root: string, findings: readonly CodeFinding[], costs: readonly Cost[]): readonly CodeFinding[] {
  const lines = new Map<string, readonly string[]>()
  const textOf = ({ file, line, endLine }: CodeFinding): string => {
    let known = lines.get(file)
    if (!known) {
      try {
        known = readFileSync(join(root, file), 'utf8').split('\n')
      } catch {
        known = []
      }
      lines.set(file, known)
    }
    return known.slice(line - 1, endLine).join('\n')
  }
  const measured = findings.map((finding) => ({ finding, ...costOf(finding, textOf(finding), costs) }))
  const ranked = measured.filter(({ ms }) => ms > 0).toSorted((a, b) => b.savingMs - a.savingMs || b.ms - a.ms)
  return [
    ...ranked.map(({ finding, savingMs }) => ({ ...finding, savingMs })),
    ...measured.filter(({ ms }) => ms === 0).map(({ finding }) => finding),
  ]
}

function costOf(finding: CodeFinding, text: string, costs: readonly Cost[]): { ms: number; savingMs: number } {
  const called = new Set([...text.matchAll(/(?<![\w$])([A-Za-z_$][\w$]*)\s{0,9}(?:<[^>()]{0,200}>)?\(/g)].map(([, name]) => name))
  const parts = costs
    .filter(({ file, line, name }) => {
      if (file !== '' && line > 0 && isSameFile(file, finding.file)) return line >= finding.line && line <= finding.endLine
      return called.has(name.split(/[.#\s]/).at(-1) ?? '')
    })
    .map(({ ms }) => ms)
  const ms = parts.reduce((sum, part) => sum + part, 0)
  if (ms === 0) return { ms, savingMs: 0 }
  const loops = finding.rule === 'await-in-loop' || finding.rule === 'serial-iteration'
  const sequence = finding.rule === 'sequential-awaits' || finding.rule === 'late-start'
  const savingMs = loops ? ms * (1 - 1 / assumedConcurrency) : sequence && parts.length > 1 ? ms - Math.max(...parts) : 0
  return { ms, savingMs: Math.round(savingMs) }
}

/** A trace has the path of another machine, or of a build. */
function isSameFile(traced: string, file: string): boolean {
  const plain = traced.replaceAll('\\', '/')
  return plain === file || plain.endsWith(`/${file}`) || file.endsWith(`/${plain.replace(/^\.\//, '')}`)
}
