/** Batches that waited for a machine of a fleet: long, and for something that could be changed. */
import { formatMs } from '../../base/duration.ts'
import { notesOf } from '../explain/notes.ts'
import { codeName, type Facts, type Fault } from './advice.ts'

/** Causes of a wait as workers name them, with what would end it. A trip through the store is what remains. */
const remedies: Readonly<Record<string, { readonly words: string; readonly remedy: string }>> = {
  'no-free-slot': {
    words: 'a free slot',
    remedy: 'start more workers: heddle worker --fleet URL FILE, on as many machines as you like',
  },
  quota: { words: 'their tenant’s quota', remedy: 'raise the quota: heddle fleet quota N --rate ITEMS/TIME --tenant NAME' },
  redelivery: {
    words: 'a machine that was lost',
    remedy: 'look at why machines are lost: memory limits, evictions, --grace below what a drain needs',
  },
}

/** A share of the wall time that each batch waits on average, from which on it is worth saying. Chosen. */
const worthSaying = 0.2

export function queueing({ related, wallMs }: Facts): Fault[] {
  return notesOf(related.trace, 'queueing').flatMap(({ data }) => {
    const batches = Number(data.batches) || 0
    const name = String(data.name)
    return Object.entries(remedies).flatMap(([cause, { words, remedy }]) => {
      const each = (Number(data[cause]) || 0) / Math.max(1, batches)
      if (each < worthSaying * wallMs) return []
      return {
        rule: 'waiting-for-machines' as const,
        where: name,
        message: `batches of ${codeName(name)} waited for ${words}`,
        proof: [`${formatMs(each)} each, ${batches} batches on ${Number(data.workers) || 0} workers`],
        savingMs: each,
        remedy,
      }
    })
  })
}
