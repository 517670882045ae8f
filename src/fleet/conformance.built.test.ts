import { afterAll, beforeAll, describe } from 'vitest'
import { postgresPath, startPostgres } from '../../test/support/postgres.ts'
import { redisPath, startRedis } from '../../test/support/redis.ts'
import { testExecutor } from '../run/executor.conformance.ts'
import { initStore } from './engine/open.ts'
import { fixture, startWorker } from './fleet.fixture.ts'
import { bullmq } from './index.ts'
import type { FleetWorker } from './worker/worker.ts'

const stores = [
  { name: 'Redis', path: redisPath, start: startRedis },
  { name: 'Postgres', path: postgresPath, start: startPostgres },
] as const

for (const { name, path, start } of stores)
  describe.runIf(path())(`on ${name}`, () => {
    let store: { readonly url: string; stop(): Promise<void> }
    let worker: FleetWorker

    beforeAll(async () => {
      store = await start()
      await initStore(store.url, 'main-default')
      worker = await startWorker(store.url, ['plain.ts', 'kinds.ts', 'set-up.ts', 'exports.ts'].map(fixture))
    })
    afterAll(async () => {
      await worker.drain(0)
      await store.stop()
    })

    testExecutor(`fleet on ${name}`, {
      open: () => bullmq({ url: store.url, patience: '1s' }),
      remote: true,
      shares: false,
      machines: true,
    })
  })
