/**
 * The database that `make -pn` prints (`make -pnrR` is shorter): a task for each target with a recipe that the goal needs. Order-only prerequisites are
 * dependencies too.
 */
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'
import type { Link, Project, Task } from '../model/project.ts'
import { checked, meant, nameOfFile } from './draft.ts'

/** What a recipe counts as whose duration is not known. */
const unknownMs = 1_000

export function looksLikeMake(text: string): boolean {
  return /^# (?:Make data base|Files)\b/m.test(text) && /^# GNU Make/m.test(text)
}

interface Rule {
  readonly line: number
  readonly needs: string[]
  recipe: boolean
  phony: boolean
}

/** @param target the goal; else the default one */
export function readMake(text: string, file: string, target?: string): Project {
  const rules = new Map<string, Rule>()
  let [inFiles, skip]: [boolean, boolean] = [false, false]
  let current: Rule | undefined
  let goal = target ?? /^\.DEFAULT_GOAL := (\S+)/m.exec(text)?.[1]
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line === '# Files') inFiles = true
    else if (/^# (?:files hash-table stats|VPATH Search Paths|Finished Make data base)/.test(line)) inFiles = false
    if (!inFiles) continue
    if (line === '# Not a target:') skip = true
    else if (line === '') [current, skip] = [undefined, false]
    else if (line.startsWith('\t')) {
      if (current) current.recipe = true
    } else if (line.startsWith('#')) {
      if (current && /^#\s+Phony target/.test(line)) current.phony = true
    } else if (!skip) {
      const found = /^((?:\\.|[^:\\])+):{1,2}(?!=)(.*)$/.exec(line)
      if (!found || /^\S+\s*[:?+]?=/.test(line)) continue
      const name = (found[1] ?? '').trim()
      const needs = (found[2] ?? '')
        .replace('|', ' ')
        .split(/\s+/)
        .filter((word) => word !== '')
      current = rules.get(name)
      if (current) current.needs.push(...needs)
      else rules.set(name, (current = { line: i + 1, needs, recipe: false, phony: false }))
    }
  }
  if (rules.size === 0)
    throw new InvalidPlan(`This database of make has no targets${place(file, 1)}`, {
      hint: 'make -pnrR > make.txt writes one.',
    })
  if (goal !== undefined && !rules.has(goal)) {
    if (target !== undefined)
      throw new InvalidPlan(`There is no target "${target}"${place(file, 0)}`, { hint: meant(target, [...rules.keys()]) })
    goal = undefined
  }
  const wanted = goal === undefined ? new Set([...rules.keys()].filter((name) => !name.startsWith('.'))) : closure(rules, goal)
  const tasks = [...wanted].flatMap((name): Task[] => {
    const rule = rules.get(name)
    if (!rule) return []
    const links = [...new Set(rule.needs)]
      .filter((need) => wanted.has(need) && need !== name)
      .map((task): Link => ({ task, type: 'FS', lagMs: 0, line: rule.line }))
    // Files that exist and nothing makes are there from the start.
    if (!rule.recipe && links.length === 0 && name !== goal) return []
    return [{ id: name, name, durationMs: rule.recipe ? unknownMs : 0, links, demands: [], line: rule.line }]
  })
  const made = new Set(tasks.map(({ id }) => id))
  return checked({
    name: goal === undefined ? nameOfFile(file) : `make ${goal}`,
    file,
    format: 'make',
    unit: 's',
    calendars: {},
    resources: [],
    tasks: tasks.map((task) => ({ ...task, links: task.links.filter((link) => made.has(link.task)) })),
    notes: ['make does not say how long recipes take: each counts as a second, unless --learn has durations of past runs'],
  })
}

function closure(rules: ReadonlyMap<string, Rule>, goal: string): Set<string> {
  const wanted = new Set([goal])
  for (const name of wanted) for (const need of rules.get(name)?.needs ?? []) if (rules.has(need)) wanted.add(need)
  return wanted
}
