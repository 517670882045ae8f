/**
 * What `graph.run({ learn })` keeps: how long each task took in its last runs, by name, in one small file of JSON. `heddle plan --learn` reads it too.
 */
import { lazily } from '../base/builtin.js'
import { InvalidOption } from '../base/errors.ts'
import type { GraphModel, Selection } from '../graph/index.ts'

const fs = lazily('node:fs')

/** More runs say no more; chosen. */
const runsMost = 20
const format = 'heddle durations 1'

export class Learned {
  readonly #path: string
  readonly #tasks: Map<string, number[]>

  /** @throws {InvalidOption} when the file is there and is not such a table; one that is not there is empty */
  constructor(path: string) {
    this.#path = path
    this.#tasks = read(path)
  }

  /** The median of each task's last runs, in milliseconds. */
  get durations(): ReadonlyMap<string, number> {
    return new Map([...this.#tasks].map(([name, runs]) => [name, median(runs)]))
  }

  /** Adds what the tasks of a run took (NaN: not done), and writes the file. A file that cannot be written is a warning: the run is worth more. */
  add(model: GraphModel, { tasks }: Selection, took: Float64Array): void {
    for (const [i, task] of tasks.entries()) {
      const ms = took[i] as number
      if (Number.isNaN(ms)) continue
      const name = model.nameOf(task)
      this.#tasks.set(name, [...(this.#tasks.get(name) ?? []), Number(ms.toFixed(3))].slice(-runsMost))
    }
    const temporary = `${this.#path}.${process.pid}.tmp`
    try {
      fs().writeFileSync(temporary, `${JSON.stringify({ format, tasks: Object.fromEntries(this.#tasks) })}\n`)
      // A program that reads it meanwhile sees the old one or the new one.
      fs().renameSync(temporary, this.#path)
    } catch (error) {
      process.emitWarning(`What the run has learned was not kept: ${(error as Error).message}`, { code: 'HEDDLE_NOT_LEARNED' })
    }
  }
}

function read(path: string): Map<string, number[]> {
  let text: string
  try {
    text = fs().readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return new Map()
    throw new InvalidOption(`The file of \`learn\` cannot be read: ${(cause as Error).message}`, { cause })
  }
  try {
    const document = JSON.parse(text) as { readonly format?: unknown; readonly tasks?: unknown }
    const entries = Object.entries(document.tasks as Readonly<Record<string, number[]>>)
    if (
      document.format === format &&
      entries.every(([, runs]) => Array.isArray(runs) && runs.length > 0 && runs.every((ms) => Number.isFinite(ms) && ms >= 0))
    )
      return new Map(entries)
  } catch {
    // Said below.
  }
  throw new InvalidOption(`The file of \`learn\` is not a table of durations: ${path}`, {
    hint: 'Delete it, or name another file: it begins anew.',
  })
}

function median(runs: readonly number[]): number {
  const sorted = runs.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
