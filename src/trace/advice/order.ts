/** Pitfalls of order and waiting: what ran one after the other, waited, was repeated, or was for nothing. */
import { counted } from '../../base/counted.ts'
import { formatMs } from '../../base/duration.ts'
import { bucketsOf } from '../explain/buckets.ts'
import { notesOf } from '../explain/notes.ts'
import { needsStart } from '../explain/relate.ts'
import { percent } from '../explain/words.ts'
import { type Fault, codeName, type Facts, wholeRun } from './advice.ts'

/** So many in a row are a loop. */
const loopLength = 4
/** The next call comes this soon after the last one ended, measured by the length of the calls: it waited for it. */
const soon = 0.25
/** How many calls to other machines can usually be under way at once; `map`'s own default. */
const usualConcurrency = 16

/** Calls of one function that were each queued when the one before had settled: an await in a loop. */
export function oneAfterTheOther(facts: Facts): Fault[] {
  const { related, grouping, groups, work, wallMs } = facts
  const byGroup = bucketsOf(grouping.of, grouping.labels.length, related.order)
  return groups.flatMap((group) => {
    const { number } = group
    const loops = loopsIn(facts, byGroup.items.subarray(byGroup.start[number], byGroup.start[number + 1]))
    const calls = loops.reduce((sum, loop) => sum + loop.calls, 0)
    const ms = loops.reduce((sum, loop) => sum + loop.ms, 0)
    if (calls === 0) return []
    const onWorkers = group.onWorkers > group.tasks / 2
    // A thread that computes all the time would not get faster by starting more at once.
    if (!onWorkers && work.threadBusy > 0.5) return []
    const atOnce = Math.min(calls / loops.length, onWorkers ? related.trace.meta.cores : usualConcurrency)
    return {
      rule: 'one-after-the-other',
      where: group.label,
      message: `${group.label} ran one call after the other`,
      proof: [
        `${calls} calls were each made when the one before had ended: ${formatMs(ms)}, ${percent(ms / wallMs)} of the wall time`,
      ],
      savingMs: ms * (1 - 1 / atOnce),
      remedy: `if they do not need each other, start them together: await map(items, ${codeName(group.label)}) instead of await in a loop`,
    }
  })
}

function loopsIn({ related }: Facts, rows: Uint32Array): { calls: number; ms: number }[] {
  const { queued, started, settled, run, runClosed, parent, trace } = related
  const loops: { calls: number; ms: number }[] = []
  let loop: number[] = []
  const close = (): void => {
    if (loop.length >= loopLength) {
      loops.push({
        calls: loop.length,
        ms: loop.reduce((sum, task) => sum + (settled[task] as number) - (started[task] as number), 0),
      })
    }
    loop = []
  }
  for (const task of rows) {
    const last = loop.at(-1)
    // In a run that starts its items itself, the order is what the caller asked for.
    const group = run[task] as number
    const byHand = (group < 0 || runClosed[group] === 0) && needsStart(related, task) === (trace.tasks.needsEnd[task] as number)
    const gap = last === undefined ? 0 : (queued[task] as number) - (settled[last] as number)
    const length = last === undefined ? 0 : (settled[last] as number) - (started[last] as number)
    const follows = last === undefined || (parent[task] === parent[last] && gap >= 0 && gap <= soon * length)
    if (!byHand || !follows) close()
    if (byHand) loop.push(task)
  }
  close()
  return loops
}

/** Share of the waiting from which on a limiter is what bounds the run. */
const limiterShare = 0.2

export function waitingOnLimiter(facts: Facts): Fault[] {
  const { criticalPath, groups, wallMs } = facts
  const waits = { dependency: 0, slot: 0, limiter: 0, retry: 0 }
  for (const { waitMs } of groups) for (const cause of causes) waits[cause] += waitMs[cause]
  const all = causes.reduce((sum, cause) => sum + waits[cause], 0)
  if (criticalPath.ms.limiter < limiterShare * wallMs) return []
  const most = groups.toSorted((a, b) => b.waitMs.limiter - a.waitMs.limiter)[0]
  const shares = causes.filter((cause) => waits[cause] > 0).map((cause) => `${causeWords[cause]} ${percent(waits[cause] / all)}`)
  return [
    {
      rule: 'waiting-on-limiter',
      where: most?.label ?? wholeRun,
      message: `a limiter bounds the run`,
      proof: [
        `${formatMs(criticalPath.ms.limiter)} of the critical path, ${percent(criticalPath.ms.limiter / wallMs)} of the wall time; of all waiting: ${shares.join(', ')}`,
      ],
      savingMs: criticalPath.ms.limiter,
      remedy: `raise the limit that ${codeName(most?.label ?? '')} runs under if the other side allows it: limiter({ concurrency: 'auto' }) finds out`,
    },
  ]
}

const causes = ['dependency', 'slot', 'limiter', 'retry'] as const
const causeWords = { dependency: 'dependencies', slot: 'slots', limiter: 'limiters', retry: 'pauses between attempts' } as const

/** Attempts per call from which on retries are a load of their own (SRE book: at most 10 % more requests). */
const attemptsPerCall = 1.1
const fewCalls = 10

export function retryStorm({ groups, related, idle }: Facts): Fault[] {
  return groups.flatMap((group) => {
    const calls = group.tasks
    if (calls < fewCalls || group.attempts <= attemptsPerCall * calls) return []
    const repeated = group.attempts - calls
    const lostMs = (group.workMs * repeated) / group.attempts + group.waitMs.retry
    return {
      rule: 'retry-storm',
      where: group.label,
      message: `${group.label} was tried again and again`,
      proof: [
        `${counted(group.attempts, 'attempt')} for ${counted(calls, 'call')} (${(group.attempts / calls).toFixed(2)} each), ${formatMs(group.waitMs.retry)} of pauses`,
      ],
      savingMs: Math.min(related.wallMs, lostMs / Math.max(1, idle.rows)),
      remedy: `send less before it fails: guard(${codeName(group.label)}, { limit: limiter({ concurrency: 'auto' }), retry: { retries: 2, budget: 0.1 } })`,
    }
  })
}

/** Failures that a `retry` wanted to try again and its budget refused. */
export function notRetried({ related }: Facts): Fault[] {
  const refused = notesOf(related.trace, 'limit').filter(({ data }) => data.notRetried === 1)
  if (refused.length === 0) return []
  return [
    {
      rule: 'not-retried',
      where: wholeRun,
      message: `${refused.length === 1 ? 'a failure was' : `${refused.length} failures were`} not retried`,
      proof: [refused[0]?.text.replace(/^not retried: /, '') ?? ''],
      savingMs: 0,
      remedy: 'give it another budget, guard(fn, { retry: { retries: 3, budget: 0.5 } }), or none; or send less with a `limit`',
    },
  ]
}

/** Layers that retry around one another: the pool of models inside has left it to the one outside. */
export function retriedOutside({ related }: Facts): Fault[] {
  const left = notesOf(related.trace, 'limit').filter(({ data }) => data.leftToRetry === 1)
  if (left.length === 0) return []
  return [
    {
      rule: 'two-retries',
      where: wholeRun,
      message: 'two layers retry; the outer one did',
      proof: [`${left.length} ${left.length === 1 ? 'time' : 'times'}, such as: ${left[0]?.text ?? ''}`],
      savingMs: 0,
      remedy: 'retry in one place: leave `retry` out around the pool, and give it to pool(model, { retry: 4 })',
    },
  ]
}

/** Results that nobody used, as those who made them say: `scope` of what was forked and outlived the code that could have awaited it. */
export function unusedResults({ related, idle }: Facts): Fault[] {
  const notes = notesOf(related.trace, 'unused')
  if (notes.length === 0) return []
  const ms = notes.reduce((sum, { data }) => sum + (typeof data.ms === 'number' ? data.ms : 0), 0)
  const names = [...new Set(notes.map(({ text }) => text))]
  return [
    {
      rule: 'unused-result',
      where: wholeRun,
      message: `${notes.length === 1 ? 'a result was' : `${notes.length} results were`} never used`,
      proof: [
        `${names.slice(0, 3).join('; ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}${ms > 0 ? `: ${formatMs(ms)} of work` : ''}`,
      ],
      savingMs: ms / Math.max(1, idle.rows),
      remedy: 'await what s.fork(…) gives, or leave the task out; for a side effect alone let it give nothing',
    },
  ]
}
