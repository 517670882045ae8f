/** All rules, judged on one trace. */
import { type Advice, adviceOf, type Facts, type Rule, worthIt } from './advice.ts'
import { contained } from './contained.ts'
import { copying } from './copying.ts'
import { sequences } from './imported.ts'
import { cpuOnEventLoop, oversubscription } from './machine.ts'
import { notRetried, oneAfterTheOther, retriedOutside, retryStorm, unusedResults, waitingOnLimiter } from './order.ts'
import { queueing } from './queueing.ts'
import { bigMessages, notWorthThreads, smallTasks, stragglers, tooFewTasks } from './size.ts'

export type { Advice, Pitfall } from './advice.ts'

const rules: readonly Rule[] = [
  smallTasks,
  notWorthThreads,
  contained,
  copying,
  queueing,
  tooFewTasks,
  oneAfterTheOther,
  stragglers,
  cpuOnEventLoop,
  oversubscription,
  waitingOnLimiter,
  bigMessages,
  retryStorm,
]

/** What is worth changing, the largest saving first. */
export function advise(facts: Facts): Advice[] {
  const found = rules
    .flatMap((rule) => rule(facts))
    .map((fault) => ({ ...fault, savingMs: Math.min(fault.savingMs, facts.wallMs) }))
    .filter((fault) => worthIt(facts, fault))
  // Tasks that are too small also keep the thread busy; moving them to workers would make it worse.
  const small = found.some(({ rule }) => rule === 'small-tasks')
  const kept = found.filter(({ rule }) => !(small && rule === 'cpu-on-event-loop'))
  // Lost work is worth saying whatever it cost.
  return [...kept, ...notRetried(facts), ...retriedOutside(facts), ...unusedResults(facts), ...sequences(facts)]
    .sort((a, b) => b.savingMs - a.savingMs)
    .map(adviceOf)
}
