import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { redisPath, startRedis, type TestRedis } from '../../../test/support/redis.ts'
import { InvalidOption } from '../../base/errors.ts'
import { map } from '../../run/map.ts'
import { pool, shareLimits, type SharedLimits, type ShareLimitsOptions } from '../index.ts'
import { simulate, type Simulator } from '../simulator/index.ts'
import { openLocal } from './broker.ts'
import { nothing } from './exchange.ts'

beforeAll(() => {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
})

/** Of 240 calls per minute, in a time that goes twenty times as fast: eighty per second. */
const provide = (): Promise<Simulator> =>
  simulate({ limits: { requestsPerMinute: 240 }, firstToken: 500, tokensPerSecond: 1e5, timeScale: 20 })

const modelOf = (provider: Simulator) => createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL })('small')

/** A program that shares, and makes calls as fast as it is let. */
async function makeCalls(provider: Simulator, share: SharedLimits, calls: number): Promise<{ ms: number; ok: number }> {
  const model = pool(modelOf(provider), { share })
  const from = performance.now()
  const prompts = Array.from({ length: calls }, (_, i) => `${share.member} ${i}`)
  const { ok } = await map(prompts, (prompt) => generateText({ model, prompt, maxRetries: 0 }), {
    concurrency: Infinity,
    onFailure: 'settle',
  })
  return { ms: performance.now() - from, ok: ok.length }
}

function refusedOf(provider: Simulator): number {
  return provider.stats().refused.requests
}

const places: Record<string, () => Omit<ShareLimitsOptions, 'name'>> = { 'on this machine': () => ({}) }
if (redisPath()) places['through Redis'] = () => ({ redis: redis.url })
let redis: TestRedis

describe.each(Object.entries(places))('limits shared %s', (_, place) => {
  beforeAll(async () => {
    if (redisPath()) redis = await startRedis(['--appendonly', 'no'])
  })
  afterAll(() => redis?.stop())

  test('several programs keep within one account', async () => {
    await using provider = await provide()
    const name = randomUUID()
    const shares = [1, 2, 3, 4].map(() => shareLimits({ name, ...place() }))
    const done = await Promise.all(shares.map((share) => makeCalls(provider, share, 90)))
    expect(done.map(({ ok }) => ok)).toEqual([90, 90, 90, 90])
    // On a busy machine requests arrive late, in another order; alone the four are refused hundreds of times.
    expect(refusedOf(provider)).toBeLessThanOrEqual(54)
    for (const share of shares) await share.close()
  })

  test('a program that leaves while others wait takes nothing with it', async () => {
    await using provider = await provide()
    const name = randomUUID()
    const [first, ...others] = [1, 2, 3].map(() => shareLimits({ name, ...place() }))
    const leaving = makeCalls(provider, first as SharedLimits, 40).then(() => (first as SharedLimits).close())
    const done = await Promise.all(others.map((share) => makeCalls(provider, share, 150)))
    await leaving
    expect(done.map(({ ok }) => ok)).toEqual([150, 150])
    expect(refusedOf(provider)).toBeLessThanOrEqual(54)
    for (const share of others) await share.close()
  })
})

test.skipIf(!redisPath())('while the store is away each program goes on with its part', async () => {
  const store = await startRedis(['--appendonly', 'no'])
  await using provider = await provide()
  const name = randomUUID()
  const shares = [1, 2].map(() => shareLimits({ name, redis: store.url }))
  const calls = shares.map((share) => makeCalls(provider, share, 160))
  await store.kill()
  const done = await Promise.all(calls)
  expect(done.map(({ ok }) => ok)).toEqual([160, 160])
  for (const share of shares) await share.close()
  await store.stop()
})

test('another program takes over when the one that serves is killed', async () => {
  const name = randomUUID()
  const serve = `import { shareLimits } from './dist/ai.js'
const share = shareLimits({ name: ${JSON.stringify(name)} })
await share.exchange('one', { member: 'served', want: [600, 0, 0], back: [0, 0, 0], told: [{ limit: 600, perMs: 60000, burst: 600, step: 1 }, null, null] })
console.log('serves')
setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', serve], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const [a, b] = [shareLimits({ name }), shareLimits({ name })]
  const ask = (share: SharedLimits, known?: Awaited<ReturnType<SharedLimits['exchange']>>) =>
    share.exchange('one', { member: share.member, want: [1, 0, 0], back: nothing, ...(known && { known }) })
  const heard = await ask(a)
  expect(heard.waitMs).toBeGreaterThan(0)
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  const replies = await Promise.all([ask(a, heard), ask(b)])
  expect(new Set(replies.map(({ generation }) => generation)).size).toBe(1)
  expect(replies[0]?.generation).not.toBe(heard.generation)
  // The bucket is as empty as it was.
  expect((await ask(a, replies[0])).waitMs).toBeGreaterThan(0)
  await a.close()
  await b.close()
})

test('who sends what is no message of ours is cut off, and the others are served', async () => {
  const name = randomUUID()
  const keeper = await openLocal(name)
  const stranger = await openLocal(name)
  await expect(stranger.exchange('one', { member: 'x', want: [Number.NaN, 0, 0], back: nothing })).rejects.toThrow(/has ended/)
  const other = await openLocal(name)
  expect(await other.exchange('one', { member: 'y', want: [1, 0, 0], back: nothing })).toMatchObject({ grant: [1, 0, 0] })
  for (const each of [other, stranger, keeper]) await each.close()
})

test('refuses what is not a name or not a Redis', () => {
  expect(() => shareLimits({ name: '' })).toThrow(InvalidOption)
  expect(() => shareLimits({ name: 'x', redis: 'http://there' })).toThrow(/begins with redis:\/\//)
  expect(() => pool({} as never, { share: {} as SharedLimits })).toThrow(/limits made by shareLimits/)
})
