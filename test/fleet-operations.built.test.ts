/** What whoever runs a fleet sees of it: health, metrics, audit lines, TLS, status, draining from outside. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { map } from 'heddle'
import { bullmq } from 'heddle/bullmq'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { fleetFunctions as fns } from './fixtures/fleet.ts'
import { spawnHeddle } from './support/cli.ts'
import { freePort, redisPath, startRedis, type TestRedis } from './support/redis.ts'

const command = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const module = fileURLToPath(new URL('fixtures/fleet.ts', import.meta.url))
const openssl = '/usr/bin/openssl'

describe.runIf(redisPath())('operating a fleet', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-operations-'))
  const machines: ChildProcess[] = []
  let redis: TestRedis

  const machine = async (url: string, options: readonly string[] = [], env: Record<string, string> = {}): Promise<string> => {
    const child = spawn(process.execPath, [command, 'worker', '--json', '--fleet', url, ...options, module], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    })
    machines.push(child)
    for await (const line of createInterface({ input: child.stdout }))
      if (line.startsWith('{')) return (JSON.parse(line) as { worker: string }).worker
    throw new Error('The worker ended before it was ready')
  }

  beforeAll(async () => {
    redis = await startRedis()
  })
  afterEach(async () => {
    for (const child of machines.splice(0)) {
      if (child.exitCode !== null) continue
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    }
    await redis.client.flushall()
  })
  afterAll(async () => {
    await redis.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('a worker answers a platform: live, ready, metrics; a store that is away is no reason to restart it', async () => {
    const own = await startRedis()
    const port = await freePort()
    await machine(own.url, ['--health', String(port)])
    const ask = async (path: string, method = 'GET'): Promise<[number, string]> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method })
      return [response.status, await response.text()]
    }
    const fleet = await bullmq({ url: own.url })
    await map([1, 3, 2], fns.oddFails, { on: fleet, onFailure: 'settle' })
    await fleet.close()
    expect(await ask('/live')).toEqual([200, 'live\n'])
    expect(await ask('/ready')).toEqual([200, 'ready\n'])
    const [, metrics] = await ask('/metrics')
    expect(metrics).toMatch(/^heddle_fleet_slots \d+$/m)
    expect(metrics).toContain('heddle_fleet_items_total{outcome="done"} 1\nheddle_fleet_items_total{outcome="failed"} 2\n')
    expect(metrics).toMatch(/^heddle_fleet_batch_seconds_count [123]$/m)
    const waited = [...metrics.matchAll(/^heddle_fleet_queue_seconds_count\{cause="[a-z-]+"\} (\d)$/gm)]
    expect(waited.reduce((sum, [, count]) => sum + Number(count), 0)).toBeGreaterThan(0)
    expect((await ask('/'))[0]).toBe(404)
    expect((await ask('/live', 'POST'))[0]).toBe(405)
    await own.kill()
    expect((await ask('/live'))[0]).toBe(200)
    await own.stop()
  })

  test('each batch leaves an audit line: who ran what, of which build, when, with which end', async () => {
    const file = join(folder, 'audit.jsonl')
    const worker = await machine(redis.url, ['--audit', file, '--tenant', 'acme'])
    const fleet = await bullmq({ url: redis.url, tenant: 'acme' })
    await map([2, 4, 5], fns.oddFails, { on: fleet, onFailure: 'settle' })
    await fleet.close()
    const lines = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.reduce((sum, { items }) => sum + Number(items), 0)).toBe(3)
    expect(lines.reduce((sum, { failed }) => sum + Number(failed), 0)).toBe(1)
    for (const line of lines)
      expect(line).toMatchObject({
        worker,
        tenant: 'acme',
        fn: 'heddle/test/fixtures/fleet#oddFails',
        build: expect.stringMatching(/^[\da-f]{12}$/) as string,
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
        outcome: 'done',
      })
  })

  test('status shows workers and builds, as a table, as JSON, again and again; drain from outside ends a worker', async () => {
    const worker = await machine(redis.url)
    const url = ['--fleet', redis.url]
    const table = await spawnHeddle(['fleet', 'status', ...url])
    expect(table.stdout).toContain(`worker ${worker}`)
    expect(table.stdout).toContain('heddle/test/fixtures/fleet @')
    const { stdout } = await spawnHeddle(['fleet', 'status', '--json', ...url])
    expect(JSON.parse(stdout)).toMatchObject({ fleet: 'main', tenant: 'default', workers: [{ id: worker }], waiting: 0 })
    let looks = 0
    await spawnHeddle(['fleet', 'status', '--watch', '--json', ...url], {
      onOutput: (child, text) => {
        looks = text.split('\n').filter((line) => line.startsWith('{')).length
        if (looks >= 2) child.kill('SIGINT')
      },
    })
    expect(looks).toBeGreaterThanOrEqual(2)
    const [child] = machines
    const ended = new Promise((resolve) => child?.once('exit', resolve))
    expect((await spawnHeddle(['fleet', 'drain', worker, ...url])).code).toBe(0)
    expect(await ended).toBe(143)
    const nobody = await spawnHeddle(['fleet', 'drain', worker, ...url])
    expect([nobody.code, nobody.stderr]).toEqual([2, expect.stringContaining('There is no worker') as string])
  })

  test.runIf(existsSync(openssl))(
    'TLS: with its certificate authority everything works, without it the store is refused',
    async () => {
      const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
      const names = ['-subj', '/CN=redis', '-addext', 'subjectAltName=IP:127.0.0.1']
      const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
      execFileSync(openssl, [...request, '-keyout', key, '-out', certificate, ...names], { stdio: 'ignore' })
      const port = await freePort()
      const plain = await startRedis([
        '--appendonly',
        'yes',
        '--tls-port',
        String(port),
        '--tls-cert-file',
        certificate,
        '--tls-key-file',
        key,
        '--tls-auth-clients',
        'no',
      ])
      const url = `rediss://127.0.0.1:${port}`
      const env = { NODE_EXTRA_CA_CERTS: certificate }
      await machine(url, [], env)
      const program = join(folder, 'client.mjs')
      const dist = fileURLToPath(new URL('../dist/', import.meta.url))
      writeFileSync(
        program,
        `import { map, workers } from '${dist}index.js'
import { bullmq } from '${dist}bullmq.js'
const { double } = workers(new URL('file://${module}'))
const fleet = await bullmq({ url: '${url}' })
console.log(JSON.stringify(await map([1, 2, 3], double, { on: fleet })))
await fleet.close()
`,
      )
      expect(execFileSync(process.execPath, [program], { encoding: 'utf8', env: { ...process.env, ...env } })).toBe('[2,4,6]\n')
      const refused = await spawnHeddle(['fleet', 'check', '--fleet', url], { env: { NODE_EXTRA_CA_CERTS: '' } })
      expect(refused.code).toBe(1)
      expect(refused.stderr).toMatch(/cannot be reached: self[- ]signed certificate/)
      await plain.stop()
    },
  )
})
