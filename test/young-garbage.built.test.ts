/**
 * What a map gave and nobody keeps is collected by the next small collection. It was not, where a run had assigned a function to a property where it is written
 * (`this.x = () => …`): V8 puts such functions, and with them all they refer to, among what only a full collection looks at. Then each small collection
 * copied the results of all runs since the last full one: 2.5 ms after a map of a millisecond.
 *
 * In a process of its own, because what the tests before it have left in the heap decides what a collection does.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { map, scope, stream } from '../src/index.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void

const items = Array.from({ length: 20 }, (_, i) => i)
/** Bytes outside of the heap are counted, which a small collection gives back at once. */
const bytes = 100_000
const give = (): unknown[] => [new ArrayBuffer(bytes), ...Array.from({ length: 1_000 }, (_, i) => ({ i }))]
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test.each<[string, () => Promise<unknown>]>([
  ['a map', () => map(items, give)],
  ['a map with a timeout', () => map(items, give, { timeout: '1s' })],
  ['a stream', () => stream(items).map(give).toArray()],
  ['forks of a scope', () => scope((s) => Promise.all(items.map(() => s.fork(give))))],
])('what %s gave is young garbage', async (_what, run) => {
  const once = async (): Promise<void> => {
    await run()
    await turn()
    await turn()
    collect({ type: 'minor' })
    collect({ type: 'minor' })
  }
  for (let i = 0; i < 60; i++) await once()
  let [before, climb, longest] = [Number.POSITIVE_INFINITY, 0, 0]
  for (let i = 0; i < 24; i++) {
    await once()
    const held = process.memoryUsage().arrayBuffers / (items.length * bytes)
    climb = held > before + 0.5 ? climb + 1 : 0
    longest = Math.max(longest, climb)
    before = held
  }
  // What the last run gave may still be on the stack. What is kept adds up, from one full collection to the next.
  expect(longest).toBeLessThan(3)
})
