import { expect, test } from 'vitest'
import type { Verdict } from './failure.ts'
import { nextStep, type Standing, type Step } from './next-step.ts'

const verdict = (kind: Verdict['kind']): Verdict => ({ kind }) as Verdict
const standing = (more: Partial<Standing> = {}): Standing => ({
  ms: 10,
  queueTimeoutMs: 100,
  open: 1,
  fresh: false,
  isLeft: () => false,
  pauseMs: () => 50,
  ...more,
})

const rows: readonly (readonly [string, Verdict['kind'], Partial<Standing>, Step])[] = [
  ['a rate limit queues', 'rate-limited', {}, { type: 'queue' }],
  ['for as long as a call may wait', 'rate-limited', { ms: 100 }, { type: 'fail' }],
  ['a used-up quota sends the call to another model', 'quota', {}, { type: 'queue' }],
  ['where there is one', 'quota', { open: 0 }, { type: 'refuse' }],
  ['a refusal asks each other model', 'refused', { open: 2 }, { type: 'queue' }],
  ['and then fails', 'refused', { open: 0 }, { type: 'refuse' }],
  ['a transient failure pauses', 'transient', {}, { type: 'retry', pauseMs: 50 }],
  ['or goes at once to a model that has not failed', 'transient', { fresh: true }, { type: 'retry', pauseMs: 0 }],
  ['within the budget', 'transient', { pauseMs: () => undefined }, { type: 'fail' }],
  ['which bounds other models too', 'transient', { fresh: true, pauseMs: () => undefined }, { type: 'fail' }],
  ['the retry of the caller comes first', 'transient', { isLeft: () => true }, { type: 'leave' }],
  ['but after the other models', 'transient', { fresh: true, isLeft: () => true }, { type: 'retry', pauseMs: 0 }],
  ['what the program itself did wrong fails', 'fatal', { fresh: true, open: 3 }, { type: 'fail' }],
]

test.each(rows)('%s', (_, kind, more, step) => {
  expect(nextStep(verdict(kind), standing(more))).toEqual(step)
})

test('a call that is left to its caller spends nothing of the budget', () => {
  let asked = 0
  const pauseMs = (): number => ++asked
  nextStep(verdict('transient'), standing({ isLeft: () => true, pauseMs }))
  expect(asked).toBe(0)
})
