/** Answers in a real Redis: shared between programs, one request for all, and asked anew while it is away. */
import { generateText } from 'ai'
import { expect, test } from 'vitest'
import { redisPath, startRedis } from '../../../test/support/redis.ts'
import { pool, responseCache } from '../index.ts'
import { answerAfter, mockModel } from '../pool/mock.fixture.ts'

test.skipIf(redisPath() === undefined)(
  'two programs share answers and calls under way; while Redis is away both ask',
  async () => {
    const redis = await startRedis()
    try {
      const models = [1, 2].map(() => {
        const base = mockModel('m', () => answerAfter(100, 'yes'))
        const cache = responseCache({ redis: redis.url })
        return { base, cache, model: pool(base, { cache }) }
      })
      const all = (prompt: string) =>
        Promise.all(models.flatMap(({ model }) => [1, 2].map(async () => (await generateText({ model, prompt })).text)))
      expect(await all('x')).toEqual(['yes', 'yes', 'yes', 'yes'])
      expect(models.map(({ base }) => base.calls).toSorted()).toEqual([0, 1])
      await redis.kill()
      expect(await all('y')).toEqual(['yes', 'yes', 'yes', 'yes'])
      for (const { cache } of models) await cache.close()
    } finally {
      await redis.stop()
    }
  },
  30_000,
)
