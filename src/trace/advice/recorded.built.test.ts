/** Pitfalls planted into programs that really run: what the lower layers record is enough to find them. */
import { guard, limiter, map, scope } from 'heddle'
import { expect, test } from 'vitest'
import { lengthOf } from '../../../test/fixtures/cli/worker-module.ts'
import { explain } from '../verdict/explain.ts'
import { record } from '../record/record.ts'

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const items = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
async function adviceOn(program: () => Promise<unknown>) {
  const { trace } = await record(program)
  return explain(trace).advice
}

test('calls one after the other in a loop', async () => {
  const ask = guard(async function ask(n: number) {
    await sleep(5)
    return n
  })
  const advice = await adviceOn(async () => {
    for (const n of items(10)) await ask(n)
  })
  expect(advice).toMatchObject([
    { pitfall: 'one-after-the-other', suggestion: expect.stringContaining('map(items, ask)') as string },
  ])
})

test('how much each message carried', async () => {
  await lengthOf(new Uint8Array(1))
  const buffers = items(20).map(() => new Uint8Array(4_000_000))
  const { trace } = await record(() => Promise.all(buffers.map((buffer) => lengthOf(buffer))))
  expect([...new Set(trace.tasks.bytes)]).toEqual([4_000_008])
  expect(explain(trace).groups).toMatchObject([{ tasks: 20, onWorkers: 20 }])
})

test('results that nobody awaits', async () => {
  const advice = await adviceOn(() =>
    scope(async function prepare(s) {
      void s.fork(async function draft() {
        await sleep(20)
        return 'a text'
      })
      void s.fork(async function log() {
        await sleep(20)
      })
    }),
  )
  expect(advice).toMatchObject([
    { pitfall: 'unused-result', evidence: expect.stringMatching(/^draft of scope "prepare": \d+/) as string },
  ])
})

test('a limiter that everything waits for', async () => {
  const limit = limiter({ concurrency: 1 })
  const ask = guard(
    async function ask(n: number) {
      await sleep(3)
      return n
    },
    { limit },
  )
  const advice = await adviceOn(() => map(items(20), ask, { concurrency: 20 }))
  expect(advice.map(({ pitfall }) => pitfall)).toContain('waiting-on-limiter')
})

test('attempts beyond what anybody asked for', async () => {
  let calls = 0
  const advice = await adviceOn(() =>
    map(
      items(20),
      async (n) => {
        await sleep(2)
        if (calls++ % 3 < 2) throw new Error('busy')
        return n
      },
      { concurrency: 4, retry: { retries: 10, base: 1, retryIf: () => true } },
    ),
  )
  expect(advice.map(({ pitfall }) => pitfall)).toContain('retry-storm')
})
