/**
 * The changes that buy most for what they cost. Each is scheduled, and what it saves is what its own schedule shows: a rule that looks as if it must
 * help may make a schedule longer (R. L. Graham, 1966).
 */
import type { Finding } from '../../findings/finding.ts'
import type { Project } from '../model/project.ts'
import { compile, type Compiled } from '../schedule/problem.ts'
import { schedule, type Scheduled } from '../schedule/schedule.ts'
import { type Change, changeKinds, type ChangeKind, changes } from './changes.ts'

export interface Mitigation extends Finding {
  readonly rule: ChangeKind
  readonly savingMs: number
  /** The end of the schedule with it. */
  readonly endMs: number
}

/** How many are told. */
const told = 3
/** How many candidates are scheduled at most, and with how many schedules each: a first look, then a second at those that look best. */
const [candidatesMost, firstLook, secondLookOf] = [120, 20, 12]
/** Large plans get fewer looks: so many tasks are placed in all. */
const placesMost = 400_000

/** @param budget schedules for each candidate that looks good; as many as the plan itself got, so that the two can be compared */
export function mitigations(
  project: Project,
  compiled: Compiled,
  scheduled: Scheduled,
  budget: { readonly schedules: number; readonly seed: number },
  saving: (savingMs: number, endMs: number) => string,
): Mitigation[] {
  const size = Math.max(1, project.tasks.length)
  const looks = Math.max(1, Math.min(firstLook, Math.floor(placesMost / size / candidatesMost)))
  const candidates = changes(project, compiled, scheduled).slice(
    0,
    Math.max(6, Math.min(candidatesMost, Math.floor(placesMost / size / looks))),
  )
  const first = candidates.map((change) => ({
    change,
    end: endOf(change.project, scheduled, compiled, { schedules: looks, seed: budget.seed }),
  }))
  const worth = ({ change, end }: { change: Change; end: number }): number => (scheduled.end - end) / changeKinds[change.kind]
  // One that gains nothing at a first look may gain something at a second: those on the chain are few.
  const second = first.toSorted((a, b) => worth(b) - worth(a)).slice(0, secondLookOf)
  const schedules = Math.max(looks, Math.min(budget.schedules, Math.floor(placesMost / size / secondLookOf)))
  const improved = second.map(({ change, end }) => ({
    change,
    end: Math.min(end, endOf(change.project, scheduled, compiled, { schedules, seed: budget.seed })),
  }))
  return improved
    .filter(({ end }) => end < scheduled.end)
    .toSorted((a, b) => worth(b) - worth(a))
    .slice(0, told)
    .map(({ change, end }) => findingOf(project, change, end, scheduled.end - end, saving))
}

/** The search begins with the order of the plan's own schedule. */
function endOf(
  project: Project,
  { starts }: Scheduled,
  { tasks }: Compiled,
  budget: { readonly schedules: number; readonly seed: number },
): number {
  const compiled = compile(project)
  const planned = new Map(tasks.map(({ id }, t) => [id, starts[t] as number]))
  const key = compiled.tasks.map(({ id }) => planned.get(id) ?? planned.get(id.replace(/ \(2\)'*$/, '')) ?? 0)
  const first = Uint32Array.from(key.keys()).sort((a, b) => (key[a] as number) - (key[b] as number) || a - b)
  return schedule(compiled, { ...budget, first }).end
}

function findingOf(
  project: Project,
  { kind, message, remedy, question, line }: Change,
  endMs: number,
  savingMs: number,
  say: (savingMs: number, endMs: number) => string,
): Mitigation {
  const saving = say(savingMs, endMs)
  return {
    rule: kind,
    tier: 'likely',
    where: whereOf(project, line),
    message,
    proof: ['a schedule with this change shows it'],
    question,
    saving,
    savingMs,
    remedy,
    endMs,
  }
}

function whereOf({ file, name }: Project, line: number): string {
  if (file === '') return line === 0 ? name : `line ${line}`
  return line === 0 ? file : `${file}:${line}`
}
