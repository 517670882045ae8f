/**
 * Workflows of GitHub Actions: a task for each job and each combination of its matrix, `needs` as dependencies, `max-parallel` as a resource. Workflows say
 * nothing of how long jobs take: without durations of past runs (`--learn`) each counts as a minute.
 */
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'
import type { Link, Project, Resource, Task } from '../model/project.ts'
import { checked, meant, nameOfFile } from './draft.ts'
import { at, type Located, textOf, textsOf } from './located.ts'

/** What a job without known duration counts as. */
const unknownMs = 60_000
/** GitHub starts no more jobs of a matrix. */
const combinationsMost = 256

export function looksLikeWorkflow(text: string): boolean {
  return /^jobs:/m.test(text) && /^(on|"on"|'on'|name|env|permissions):/m.test(text)
}

type Combination = ReadonlyMap<string, string>

export function readWorkflow(root: Located, file: string): Project {
  const jobs = at(root, 'jobs')
  if (jobs?.kind !== 'map') throw new InvalidPlan(`Expected a workflow to have \`jobs\`${place(file, root.line)}`)
  const notes: string[] = [
    'a workflow does not say how long jobs take: each counts as a minute, unless --learn has durations of past runs',
  ]
  const resources: Resource[] = []
  const expanded = new Map<string, readonly { readonly id: string; readonly name: string; readonly line: number }[]>()
  for (const [job, body] of jobs.entries) {
    const name = textOf(at(body, 'name'))
    const combinations = combinationsOf(job, body, file, notes)
    const ids = combinations.map(
      (combination) => `${job}${combination.size === 0 ? '' : ` (${[...combination.values()].join(', ')})`}`,
    )
    const seen = new Map<string, number>()
    expanded.set(
      job,
      combinations.map((combination, i) => {
        const id = ids[i] ?? job
        // Two combinations may show the same values.
        const count = (seen.get(id) ?? 0) + 1
        seen.set(id, count)
        return {
          id: count === 1 ? id : `${id} #${count}`,
          name: name === undefined ? id : filled(name, combination),
          line: body.line,
        }
      }),
    )
  }
  const tasks = [...jobs.entries].flatMap(([job, body]) => {
    const own = expanded.get(job) ?? []
    const links = textsOf(at(body, 'needs')).flatMap(({ text, line }): Link[] => {
      const needs = expanded.get(text)
      if (!needs)
        throw new InvalidPlan(`Job "${job}" needs "${text}", and there is no such job${place(file, line)}`, {
          hint: meant(text, [...expanded.keys()]),
        })
      return needs.map(({ id }) => ({ task: id, type: 'FS', lagMs: 0, line }))
    })
    const most = Number(textOf(at(at(body, 'strategy'), 'max-parallel')) ?? 0)
    const line = at(at(body, 'strategy'), 'max-parallel')?.line ?? body.line
    const limit = Number.isSafeInteger(most) && most > 0 && most < own.length ? `${job}: max-parallel` : undefined
    if (limit !== undefined) resources.push({ id: limit, name: limit, capacity: most, skills: [], line })
    return own.map((each): Task => ({
      ...each,
      durationMs: unknownMs,
      links,
      demands: limit === undefined ? [] : [{ resource: limit, units: 1, line }],
      section: job,
    }))
  })
  return checked({
    name: textOf(at(root, 'name')) ?? nameOfFile(file),
    file,
    format: 'github',
    unit: 'min',
    calendars: {},
    resources,
    tasks,
    notes,
  })
}

/** The product of the lists, without what is excluded, with what is included (docs.github.com, "Running variations of jobs in a workflow"). */
function combinationsOf(job: string, body: Located, file: string, notes: string[]): readonly Combination[] {
  const matrix = at(at(body, 'strategy'), 'matrix')
  if (!matrix) return [new Map()]
  if (matrix.kind !== 'map') {
    notes.push(`the matrix of "${job}" is computed when it runs, and counts as one job${place(file, matrix.line)}`)
    return [new Map()]
  }
  let found: Map<string, string>[] = [new Map()]
  const axes = [...matrix.entries].filter(([name]) => name !== 'include' && name !== 'exclude')
  for (const [name, values] of axes) {
    if (values.kind !== 'list') {
      notes.push(
        `"${name}" of the matrix of "${job}" is computed when it runs, and counts as one value${place(file, values.line)}`,
      )
      continue
    }
    found = found.flatMap((combination) => values.items.map((value) => new Map([...combination, [name, valueText(value)]])))
    if (found.length > combinationsMost)
      throw new InvalidPlan(
        `The matrix of "${job}" has more than ${combinationsMost} combinations, which GitHub refuses${place(file, matrix.line)}`,
      )
  }
  const excluded = rowsOf(at(matrix, 'exclude'))
  const kept =
    axes.length === 0
      ? []
      : found.filter((combination) => !excluded.some((row) => [...row].every(([name, value]) => combination.get(name) === value)))
  const original = kept.map((combination) => new Map(combination))
  for (const row of rowsOf(at(matrix, 'include'))) {
    // It extends the combinations of which it changes no value, and stands alone where there are none.
    const fitting = kept.filter((_, i) =>
      [...row].every(([name, value]) => !original[i]?.has(name) || original[i]?.get(name) === value),
    )
    if (fitting.length === 0) {
      kept.push(new Map(row))
      original.push(new Map(row))
    } else for (const combination of fitting) for (const [name, value] of row) combination.set(name, value)
  }
  return kept.length === 0 ? [new Map()] : kept
}

function rowsOf(node: Located | undefined): Combination[] {
  if (node?.kind !== 'list') return []
  return node.items.flatMap((item) =>
    item.kind === 'map' ? [new Map([...item.entries].map(([name, value]) => [name, valueText(value)]))] : [],
  )
}

function valueText(node: Located): string {
  if (node.kind === 'list') return node.items.map(valueText).join(', ')
  return node.kind === 'map' ? [...node.entries.values()].map(valueText).join(', ') : (textOf(node) ?? '')
}

/** `${{ matrix.os }}` in a name; other expressions stay. */
function filled(name: string, combination: Combination): string {
  return name.replaceAll(/\$\{\{\s*matrix\.([\w-]+)\s*\}\}/g, (whole, key: string) => combination.get(key) ?? whole)
}
