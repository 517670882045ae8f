/** What a finding in spans says: the message, what speaks for it, what is open, and what to do. */
import { formatMs } from '../../base/duration.ts'
import type { Places } from './analysis/places.ts'
import type { Sequence } from './analysis/sequences.ts'

export interface Wording {
  readonly message: string
  readonly proof: readonly string[]
  readonly question: string | undefined
  readonly remedy: string
}

/** @param rounds of a trace in which it happens, on average */
export function sequenceWording(sequence: Sequence, calls: readonly string[], rounds: number): Wording {
  const count = Number.isInteger(rounds) ? String(rounds) : `about ${rounds.toFixed(0)}`
  const [first = ''] = calls
  const body = calls.length > 1 ? `rounds of ${calls.join(', ')}` : `× ${first}`
  const message =
    sequence.rule === 'loop'
      ? `${count} ${body} one after the other`
      : `${calls.length} calls one after the other: ${calls.join(', ')}`
  return { message, proof: proofOf(sequence), question: questionOf(sequence), remedy: remedyOf(sequence) }
}

function proofOf({ evidence, ordered, against }: Sequence): string[] {
  const places = (count: number): string => (count === 1 ? '1 place' : `${count.toLocaleString('en')} places`)
  if (evidence === 'overlap')
    return [
      `in ${places(against)} of these traces the same calls overlapped, or came in another order; one after the other in ${places(ordered)}`,
    ]
  if (evidence === 'equal-reads') return ['each is the same read; none of them writes']
  if (evidence === 'reads') return ['each only reads, as its method says']
  return ['they write, or what they do is not known; that they ran one after the other proves nothing']
}

function questionOf({ rule, evidence, transaction }: Sequence): string | undefined {
  if (transaction) return 'They lie in one transaction, which has one connection: can one statement do it?'
  if (evidence === 'overlap') return undefined
  if (evidence === 'equal-reads') return 'Does a round need what the one before it gave?'
  if (evidence === 'reads') return 'Does a call need what the one before it gave?'
  return rule === 'loop'
    ? 'Does the other side mind the order of the rounds?'
    : 'Does the other side mind their order, and does one need what another gave?'
}

function remedyOf({ rule, transaction, keys }: Sequence): string {
  const database = keys.length === 1 && /^\d+:1:/.test(keys[0] ?? '')
  if (transaction) return 'one statement for all of them'
  if (rule === 'consecutive') return 'start them together: Promise.all, or all of heddle'
  return database
    ? 'one query for all rows (a join, or IN), else a bounded map'
    : 'a bounded map: await map(items, call, { concurrency: 10 })'
}

/** @param chain names of the tasks on it */
export function placesWording(places: Places, savingMs: number, chain: readonly string[]): Wording {
  const { used, waitedMs, chainMs, longestFirstMs, enough, enoughMs } = places
  const more = enough > used
  return {
    message: `tasks waited ${formatMs(waitedMs)} in sum for a free place, though what they need was done: at most ${used} ran at once`,
    proof: [
      `the runner says what each task needs; the longest chain takes ${formatMs(chainMs)}: ${shortened(chain)}`,
      `with ${enough} at once the run takes ${formatMs(enoughMs)}${more ? `, with ${used} and the longest chains first ${formatMs(longestFirstMs)}` : ''}, if each task takes as long as it did`,
    ],
    question: 'Do the tasks have cores to themselves? On one machine more of them at once may each take longer.',
    remedy: more
      ? `allow ${enough} at once (turbo run --concurrency=${enough}), or put more machines to it`
      : `start what has the longest chain behind it first; it would save ${formatMs(savingMs)} with the places that there are`,
  }
}

const namesShown = 6

function shortened(chain: readonly string[]): string {
  return chain.length <= namesShown
    ? chain.join(' → ')
    : [...chain.slice(0, namesShown - 1), `${chain.length - namesShown} more`, chain.at(-1)].join(' → ')
}

/** Own time in which no span was under way. */
export function gapWording(parent: string, ms: number): Wording {
  return {
    message: `nothing was under way for ${formattedMs(ms)} inside ${parent}: its own computing, or waiting that has no span`,
    proof: [],
    question: 'What does this code do in that time?',
    remedy: 'a span around it says more; computing can go to a worker function',
  }
}

export const formattedMs = (ms: number): string => (ms >= 100 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`)
