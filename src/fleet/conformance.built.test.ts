import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe } from 'vitest'
import { postgresPath, startPostgres } from '../../test/support/postgres.ts'
import { redisPath, startRedis } from '../../test/support/redis.ts'
import { testExecutor } from '../run/executor.conformance.ts'
import { initStore } from './engine/open.ts'
import { fixture, startWorker } from './fleet.fixture.ts'
import { handler } from './http/handler.ts'
import { http } from './http/executor.ts'
import { listener } from './http/listener.ts'
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

describe('by HTTP', () => {
  const secret = 'sixteen characters and more'
  let server: Server
  let url: string

  beforeAll(async () => {
    const modules = await Promise.all(['plain.ts', 'kinds.ts', 'set-up.ts'].map((name) => import(fixture(name).href)))
    const handle = handler([...modules, fixture('exports.ts')], { secret })
    server = createServer(listener(handle)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  testExecutor('http', {
    open: () => http({ url, secret, concurrency: 4, patience: '1s' }),
    remote: true,
    shares: false,
    machines: true,
  })
})
