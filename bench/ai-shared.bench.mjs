/**
 * Four programs with one account at a provider: 840 calls together, under a limit of requests that all of them share. SIMULATED: a provider on this
 * machine, in a process of its own; no figure here says anything about a real provider.
 *
 * Ideal: what the provider's bucket could let through at best, and the latency of one call on top.
 */
import { randomUUID } from 'node:crypto'
import { fresh } from './harness/processes.mjs'
import { startProvider } from './ai/provider.mjs'
import { absent, openRedis } from './fleet/redis.mjs'

const programs = 4
const calls = 210
const requestsPerMinute = 600
/** Of every call: 0.5 s to the first of 80 tokens, then 80 per second. */
const latencyMs = 1_500

/** @param {() => Promise<object | null>} shared what `shareLimits` gets, if anything */
function contender(shared) {
  return async () => ({
    measure: async () => {
      const provider = await startProvider({
        models: {
          small: { limits: { requestsPerMinute }, firstToken: 500, tokensPerSecond: 80, outputTokens: { median: 80, sigma: 0 } },
        },
      })
      const options = await shared()
      const args = [provider.baseURL, String(calls), JSON.stringify(options)]
      const script = new URL('ai/shared.child.mjs', import.meta.url)
      const ran = (await Promise.all(Array.from({ length: programs }, () => fresh(script, { args })))).map(({ value }) => value)
      const stats = await provider.stats('small')
      await provider.close()
      const tookMs = Math.max(...ran.map(({ endedAt }) => endedAt)) - Math.min(...ran.map(({ startedAt }) => startedAt))
      const ends = ran.map(({ startedAt, endedAt }) => endedAt - startedAt)
      const sum = (key) => ran.reduce((total, one) => total + one[key], 0)
      // What the bucket held and what flowed in until the last call was let in.
      const there = requestsPerMinute + (requestsPerMinute / 60_000) * (tookMs - latencyMs)
      return {
        figure: 100 - (stats.answered / there) * 100,
        '429 %': (stats.refused.requests / stats.requests) * 100,
        '429s': stats.refused.requests,
        failed: programs * calls - sum('succeeded'),
        'took s': tookMs / 1_000,
        // The first to be ready against the last: 1 where all got the same.
        'first / last': Math.min(...ends) / Math.max(...ends),
      }
    },
  })
}

async function throughRedis() {
  if (absent) return absent
  const redis = await openRedis()
  const subject = await contender(async () => ({ name: randomUUID(), redis: redis.url }))()
  return { ...subject, close: () => redis.close() }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${programs} programs, one account of ${requestsPerMinute} requests per minute, ${programs * calls} calls (simulated)`,
  unit: '% of the bucket unused',
  reference: 'shared on this machine',
  rounds: 1,
  warmups: 0,
  contenders: {
    'shared on this machine': contender(async () => ({ name: randomUUID() })),
    'shared through Redis': throughRedis,
    'each for itself': contender(async () => null),
  },
  targets: (results) =>
    ['shared on this machine', 'shared through Redis'].flatMap((name) => [
      { what: `${name}, % of the bucket unused`, got: results.median(name), atMost: 2 },
      { what: `${name}, 429s in %`, got: results.median(name, undefined, '429 %'), atMost: 0.5 },
      { what: `${name}, failed`, got: results.median(name, undefined, 'failed'), atMost: 0 },
    ]),
}
