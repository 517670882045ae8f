/**
 * Single-mode projects of PSPLIB (`.sm`; R. Kolisch and A. Sprecher, "PSPLIB – A project scheduling problem library", 1997), and Patterson's format
 * (`.rcp`), in which RanGen and others publish. Times are periods.
 */
import { checked, nameOfFile } from './draft.ts'
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'
import type { Demand, Link, Project, Resource, Task } from '../model/project.ts'
import { unitMs, wholeDays } from '../model/time.ts'

const periodMs = unitMs('period', wholeDays)

export function looksLikePsplib(text: string): boolean {
  return /^PRECEDENCE RELATIONS:/m.test(text)
}

export function readPsplib(text: string, file: string): Project {
  const lines = text.split(/\r?\n/)
  const wrong = (line: number, what: string): InvalidPlan =>
    new InvalidPlan(`${what}${place(file, line + 1)}`, {
      hint: 'Files of PSPLIB end in .sm; they are at om-db.wi.tum.de/psplib.',
    })
  const section = (title: string): number => {
    const at = lines.findIndex((line) => line.startsWith(title))
    if (at === -1) throw wrong(0, `A PSPLIB file has a section ${title}, and this one does not`)
    return at
  }
  const numbers = (line: number): number[] => ((lines[line] ?? '').match(/-?\d+(?:\.\d+)?/g) ?? []).map(Number)
  const nonrenewable = Number(/nonrenewable\s*:\s*(\d+)/.exec(text)?.[1] ?? 0)
  if (nonrenewable > 0)
    throw wrong(
      section('RESOURCES'),
      'Nonrenewable resources belong to projects with several modes, which heddle does not schedule',
    )

  const precedence = section('PRECEDENCE RELATIONS:')
  const [requests, availabilities] = [section('REQUESTS/DURATIONS:'), section('RESOURCEAVAILABILITIES:')]
  const names = (lines[availabilities + 1] ?? '')
    .trim()
    .split(/\s{2,}/)
    .map((name) => name.replaceAll(' ', ''))
  const resources = numbers(availabilities + 2).map((capacity, r): Resource => ({
    id: names[r] ?? `R${r + 1}`,
    name: names[r] ?? `R${r + 1}`,
    capacity,
    skills: [],
    line: availabilities + 3,
  }))
  const links = new Map<number, Link[]>()
  for (let at = precedence + 2; /^\s*\d/.test(lines[at] ?? ''); at++) {
    const [job = 0, modes = 1, , ...successors] = numbers(at)
    if (modes !== 1) throw wrong(at, `Job ${job} has ${modes} modes; heddle schedules projects with one`)
    for (const successor of successors) {
      const needs = links.get(successor) ?? []
      links.set(successor, needs)
      needs.push({ task: String(job), type: 'FS', lagMs: 0, line: at + 1 })
    }
  }
  const tasks: Task[] = []
  for (let at = requests + 3; /^\s*\d/.test(lines[at] ?? ''); at++) {
    const [job = 0, , duration = 0, ...units] = numbers(at)
    const demands = units.flatMap((amount, r): Demand[] => {
      const resource = resources[r]
      if (!resource) throw wrong(at, `Job ${job} takes ${units.length} resources, and there are ${resources.length}`)
      return amount > 0 ? [{ resource: resource.id, units: amount, line: at + 1 }] : []
    })
    tasks.push({
      id: String(job),
      name: `job ${job}`,
      durationMs: duration * periodMs,
      links: links.get(job) ?? [],
      demands,
      line: at + 1,
    })
  }
  return checked({ name: nameOfFile(file), file, format: 'psplib', unit: 'period', calendars: {}, resources, tasks, notes: [] })
}

/** Numbers only: tasks and resources, capacities, then of each task its duration, its demands, how many follow it, and which. */
export function looksLikeRcp(text: string): boolean {
  return /^\s*\d+\s+\d+\s*[\r\n]/.test(text) && !/[^\d\s.]/.test(text)
}

export function readRcp(text: string, file: string): Project {
  const numbers = [...text.matchAll(/\d+(?:\.\d+)?/g)]
  let at = 0
  const lineOf = (index: number): number => text.slice(0, numbers[index]?.index ?? text.length).split('\n').length
  const next = (what: string): number => {
    const found = numbers[at++]
    if (!found) throw new InvalidPlan(`The file ends where ${what} should be${place(file, lineOf(at))}`)
    return Number(found[0])
  }
  const [count, kinds] = [next('the number of tasks'), next('the number of resources')]
  const resources = Array.from({ length: kinds }, (_, r): Resource => ({
    id: `R${r + 1}`,
    name: `R${r + 1}`,
    capacity: next('a capacity'),
    skills: [],
    line: lineOf(at - 1),
  }))
  const links = Array.from({ length: count + 1 }, (): Link[] => [])
  const rows = Array.from({ length: count }, (_, t) => {
    const line = lineOf(at)
    const durationMs = next('a duration') * periodMs
    const demands = resources.map(({ id }): Demand => ({ resource: id, units: next('a demand'), line }))
    for (let followers = next('the number of successors'); followers > 0; followers--) {
      const follower = next('a successor')
      const needs = links[follower]
      if (follower === 0 || !needs)
        throw new InvalidPlan(
          `Task ${t + 1} is followed by ${follower}, and there are ${count} tasks${place(file, lineOf(at - 1))}`,
        )
      needs.push({ task: String(t + 1), type: 'FS', lagMs: 0, line })
    }
    return { durationMs, demands: demands.filter(({ units }) => units > 0), line }
  })
  const tasks = rows.map((row, t): Task => ({ id: String(t + 1), name: `job ${t + 1}`, ...row, links: links[t + 1] ?? [] }))
  return checked({ name: nameOfFile(file), file, format: 'rcp', unit: 'period', calendars: {}, resources, tasks, notes: [] })
}
