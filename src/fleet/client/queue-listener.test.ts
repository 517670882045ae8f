import { expect, test } from 'vitest'
import type { JobState, Store } from '../engine/store.ts'
import { QueueListener } from './queue-listener.ts'

/** The part of a store that a line sees: it has nothing yet. */
function emptyStore(): { readonly store: Store; readonly asked: string[] } {
  const asked: string[] = []
  const store: Partial<Store> = {
    askAfterMs: 4,
    listen: async () => ({ end: async () => {} }),
    forget: async () => {},
    states: async (_, ids) => {
      asked.push(...ids)
      return ids.map((): JobState => ({ state: 'missing' }))
    },
  }
  return { store: store as Store, asked }
}

test('a job is not missed while it is on its way to the store, however long that takes', async () => {
  const { store, asked } = emptyStore()
  const line = new QueueListener(store, 'queue')
  const heard: string[] = []
  const awaiting = {
    outcome: () => {},
    failed: () => {},
    missing: () => void heard.push('missing'),
    begun: () => {},
    waitsAgain: () => {},
  }
  line.await('a', awaiting)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect([asked, heard]).toEqual([[], []])
  line.added(['a'])
  await expect.poll(() => heard).toEqual(['missing'])
  await line.end()
})
