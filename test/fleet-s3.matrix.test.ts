/** Large values of the fleet in a bucket, on a real server of the protocol: moto. */
import { type ChildProcess, spawn } from 'node:child_process'
import { AwsClient } from 'aws4fetch'
import { map } from 'heddle'
import { bullmq, FleetRefused } from 'heddle/bullmq'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blobStore } from '../src/fleet/engine/blobs.ts'
import { s3Store } from '../src/fleet/engine/s3.ts'
import { fixture, startWorker } from '../src/fleet/fleet.fixture.ts'
import { fleetFunctions as fns } from './fixtures/fleet.ts'
import { counterparts } from './support/counterparts.ts'
import { freePort, redisPath, startRedis, type TestRedis } from './support/redis.ts'

const real = counterparts('fleet')

describe.skipIf(!real || !redisPath())('blobs on S3', () => {
  let server: ChildProcess
  let redis: TestRedis
  const before = { ...process.env }

  beforeAll(async () => {
    redis = await startRedis()
    const port = await freePort()
    const endpoint = `http://127.0.0.1:${port}`
    server = spawn(real?.python ?? '', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_ENDPOINT_URL_S3: endpoint })
    while (server.exitCode === null && !(await fetch(endpoint).catch(() => undefined)))
      await new Promise((resolve) => setTimeout(resolve, 100))
    const client = new AwsClient({ accessKeyId: 'a', secretAccessKey: 'b', region: 'us-east-1', service: 's3' })
    if (!(await client.fetch(`${endpoint}/heddle-test`, { method: 'PUT' })).ok) throw new Error('There is no bucket')
  })
  afterAll(async () => {
    process.env = before
    server.kill()
    await redis.stop()
  })

  test('keeps, gives, lists and drops, also more than a page', async () => {
    // Pages of three keys.
    const store = s3Store('s3://heddle-test/a/b', 'main-acme', () => {}, 3)
    await Promise.all(Array.from({ length: 10 }, (_, i) => store.put(`run-1/${i}`, `ä ${i} \u0000`)))
    await store.put('run-2/0', 'other')
    expect(await store.get('run-1/7')).toBe('ä 7 \u0000')
    expect((await store.runs()).toSorted()).toEqual(['run-1', 'run-2'])
    await store.drop('run-1')
    expect(await store.runs()).toEqual(['run-2'])
    await expect(store.get('run-1/7')).rejects.toThrow('404 NoSuchKey')
    await expect(blobStore('s3://heddle-test', 'main-acme').get('../x')).rejects.toThrow(FleetRefused)
    await expect(blobStore('s3://no-such-bucket', 'main-acme').put('a/b', 'c')).rejects.toThrow('404 NoSuchBucket')
    await store.drop('run-2')
  })

  test('large values cross by it, and nothing is left', async () => {
    const blobs = 's3://heddle-test/fleet'
    const store = blobStore(blobs, 'main-default')
    const worker = await startWorker(redis.url, [fixture('fleet.ts')], { blobs: store })
    const fleet = await bullmq({ url: redis.url, blobs })
    const large = 'y'.repeat(5 * 2 ** 20)
    expect(await map([large, 'short'], fns.sizeOf, { on: fleet })).toEqual([large.length, 5])
    const texts = await map([5 * 2 ** 20, 3], fns.repeat, { on: fleet })
    expect(texts.map((text) => text.length)).toEqual([5 * 2 ** 20, 3])
    await fleet.close()
    expect(await store.runs()).toEqual([])
    await worker.drain(0)
  })
})
