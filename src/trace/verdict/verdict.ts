import { counted } from '../../base/counted.ts'
import { formatMs } from '../../base/duration.ts'
import type { Explanation } from './explanation.ts'
import type { Copied } from '../explain/copying.ts'
import { idleWords } from '../explain/idle.ts'
import { callsAtOnce, factor } from '../explain/speedup.ts'
import { percent, tookTurns } from '../explain/words.ts'

type Findings = Omit<Explanation, 'verdict' | 'advice'>

/** Idle time below this share is not worth a reason. */
const idleWorthSaying = 0.05

/** What bounds the run, in three lines for people; more where concurrency was adapted to what the other side takes. */
export function verdictLines(facts: Findings): string[] {
  const { groups } = facts
  if (groups.length === 0)
    return facts.restored.length > 0 ? [...facts.restored] : ['no tasks were recorded: nothing ran through heddle']
  const little = tooLittle(facts)
  if (little !== undefined) return [little, ...facts.restored.slice(0, restoredShown)]
  return [
    speedupLine(facts),
    `bound by ${boundWords(facts)}`,
    idleLine(facts),
    ...copyingLines(facts),
    ...adaptedLines(facts),
    ...facts.restored.slice(0, restoredShown),
  ]
}

/** Less work than this says nothing in a program that ends as soon; chosen. */
const [littleMs, shortMs] = [20, 50]

/** Of a program that has hardly begun, a factor would be about starting only. */
function tooLittle({ work, wallMs, startingMs, speedup }: Findings): string | undefined {
  const what = `too little work to judge: ${formatMs(work.workMs)} in ${formatMs(wallMs)}`
  if (startingMs > work.workMs && startingMs >= startingShare * wallMs)
    return `${what}; starting workers took ${formatMs(startingMs)}`
  return speedup < 1 && work.workMs < littleMs && wallMs < shortMs ? what : undefined
}

/** Share of the wall time from which on starting is what decides. */
const startingShare = 0.2

/** Where this much of the measured time was not work, the sum is not what it was measured as. */
const sumHolds = 0.05

/** A factor only where one is known. */
function speedupLine({ work, wallMs, speedup, speedupIs: known, machine }: Findings): string {
  const calls = `${counted(callsAtOnce(work, wallMs), 'call')} at once`
  const times = machine.processorTime === 'threads' ? 'processor time' : 'processor time of the whole process'
  if (known === 'unknown')
    return `${formatMs(work.computedMs)} of ${times} in ${formatMs(wallMs)}, ${calls} (how long they waited for the outside is unknown)`
  const sum = `${formatMs(work.workMs)} → ${formatMs(wallMs)}`
  if (known === 'at-least')
    return `${sum}, at least ${factor(speedup)} (${times} and waiting of the tasks against wall time; ${calls})`
  if (work.measuredMs - work.workMs <= sumHolds * work.measuredMs)
    return `${sum}, ${factor(speedup)} (sum of measured task time against wall time)`
  return `${sum}, ${factor(speedup)} (${times} and waiting of the tasks against wall time)`
}

/** More are left out, those that changed least: the trace has all of them. */
const adaptedShown = 2

/** Runs with a checkpoint that are named; the trace has all of them. */
const restoredShown = 3

function adaptedLines({ adapted }: Findings): string[] {
  const most = adapted.toSorted((a, b) => b.overloads - a.overloads || b.changes - a.changes).slice(0, adaptedShown)
  return most.map(({ name, from, to, lowest, highest, overloads }) => {
    const between = lowest < Math.min(from, to) || highest > Math.max(from, to) ? `, between ${lowest} and ${highest}` : ''
    const because = overloads === 0 ? '' : `, lowered ${overloads} × after refused calls`
    return `concurrency of ${name}: ${from} → ${to}${between}${because}`
  })
}

/** Share of the wall time from which on crossing is worth a line, and from which on it is what bounds the run. Chosen. */
const [copyingShown, copyingBounds] = [0.05, 0.4]

/** What this thread did beside handing out: causes of their own, because workers wait for it meanwhile. */
function crossing({ copying }: Findings): readonly { readonly what: string; readonly ms: number }[] {
  const sum = (of: (copied: Copied) => number): number => copying.reduce((ms, copied) => ms + of(copied), 0)
  return [
    { what: 'writing arguments', ms: sum(({ writeMs }) => writeMs) },
    { what: 'reading results', ms: sum(({ readMs }) => readMs) },
    { what: 'merging', ms: sum(({ kind, ownMs }) => (kind === 'mapReduce' ? ownMs : 0)) },
    { what: 'code of its own that takes results', ms: sum(({ kind, ownMs }) => (kind === 'mapReduce' ? 0 : ownMs)) },
  ]
}

function copyingLines(facts: Findings): string[] {
  const parts = crossing(facts).filter(({ ms }) => ms >= copyingShown * facts.wallMs)
  return parts.length === 0 ? [] : [`this thread: ${parts.map(({ what, ms }) => `${what} ${formatMs(ms)}`).join(', ')}`]
}

/** The groups that make up most of the critical path, in order, at most three. */
function boundWords(facts: Findings): string {
  const { criticalPath, bound, wallMs } = facts
  const { ms } = criticalPath
  const parts = crossing(facts)
  const all = parts.reduce((sum, part) => sum + part.ms, 0)
  if (all >= copyingBounds * wallMs) {
    const most = parts.toSorted((a, b) => b.ms - a.ms)[0]
    return `${most?.what ?? ''} on this thread (${formatMs(most?.ms ?? 0)}, ${percent((most?.ms ?? 0) / wallMs)} of the wall time)`
  }
  if (ms.limiter > ms.work)
    return `a limiter (${formatMs(ms.limiter)} of waiting, ${percent(ms.limiter / wallMs)} of the wall time)`
  if (ms.outside > ms.work)
    return `the program between runs (${formatMs(ms.outside)}, ${percent(ms.outside / wallMs)} of the wall time)`
  const top = bound.toSorted((a, b) => b.ms - a.ms).slice(0, 3)
  const named = bound.filter((part) => top.includes(part) && part.ms >= 0.05 * ms.work)
  const told = named.reduce((sum, { ms }) => sum + ms, 0)
  const tasks = bound.reduce((sum, part) => sum + part.tasks, 0)
  // Of a long chain of many names, three say little.
  const chain =
    told < toldShare * ms.work && top[0] ? `${counted(tasks, 'task')} in a row, the longest ${top[0].label}` : undefined
  const words =
    chain ??
    named.map(({ label, tasks }) => (tasks > 1 ? `${label} (${tasks.toLocaleString('en')} in a row)` : label)).join(' → ')
  return `${words} (${formatMs(ms.work)}, ${percent(ms.work / wallMs)} of the wall time)`
}

/** Share of the path below which its parts are not named one by one; chosen. */
const toldShare = 0.3

/** Where the cores went that did not compute tasks: native threads, child processes, and other programs, which slow down all of them. */
function coresWords({ work: { cores }, machine }: Findings): string {
  const helpers = cores.native + cores.children
  const used = helpers + cores.thread + cores.workers
  const others =
    cores.others >= othersMatter * machine.cores
      ? `; other programs used ${cores.others.toFixed(1)} of ${counted(machine.cores, 'core')}`
      : ''
  if (helpers < helpersMatter * used || helpers < helpersMatter) return others
  const who = [
    ...(cores.native >= helpersMatter ? [`native threads ${cores.native.toFixed(1)}`] : []),
    ...(cores.children >= helpersMatter ? [`child processes ${cores.children.toFixed(1)}`] : []),
  ]
  return `; ${used.toFixed(1)} of ${counted(machine.cores, 'core')} in use (${who.join(', ')})${others}`
}

/** Cores, and the share of all that are in use; chosen. */
const helpersMatter = 0.3
/** Share of the machine from which on other programs are to be reckoned with; chosen. */
const othersMatter = 0.2

function idleLine(facts: Findings): string {
  const { idle, work } = facts
  const who = idle.of === 'workers' ? (idle.rows === 1 ? 'the worker' : `${idle.rows} workers`) : `${idle.rows} at once`
  if (idle.of === 'slots' && idle.rows <= 1)
    return `one task at a time, this thread busy ${percent(work.threadBusy)}${coresWords(facts)}`
  if (tookTurns({ idle, work }))
    return `${idle.rows} at once took turns on this thread, which was busy ${percent(work.threadBusy)} of the time${coresWords(facts)}`
  if (idle.share < idleWorthSaying) return `${who} busy ${percent(1 - idle.share)} of the time${coresWords(facts)}`
  return `${who} idle ${percent(idle.share)}: ${idleWords[idle.main]}${coresWords(facts)}`
}
