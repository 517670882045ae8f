import { afterAll, beforeAll, describe } from 'vitest'
import { redisPath, startRedis, type TestRedis } from '../../test/support/redis.ts'
import { testExecutor } from '../run/executor.conformance.ts'
import { fixture, startWorker } from './fleet.fixture.ts'
import { bullmq } from './index.ts'
import type { FleetWorker } from './worker/worker.ts'

describe.runIf(redisPath())('on Redis', () => {
  let redis: TestRedis
  let worker: FleetWorker

  beforeAll(async () => {
    redis = await startRedis()
    worker = await startWorker(redis.url, ['plain.ts', 'kinds.ts', 'set-up.ts', 'exports.ts'].map(fixture))
  })
  afterAll(async () => {
    await worker.drain(0)
    await redis.stop()
  })

  testExecutor('fleet', {
    open: () => bullmq({ url: redis.url, patience: '1s' }),
    remote: true,
    shares: false,
    machines: true,
  })
})
