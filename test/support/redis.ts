/** A Redis of a test's own, on a free port, with its data in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

/** Where the server is; `REDIS_SERVER` names another. */
export function redisPath(): string | undefined {
  const candidates = [process.env['REDIS_SERVER'], '/usr/bin/redis-server', '/usr/local/bin/redis-server']
  return candidates.find((path) => path !== undefined && existsSync(path))
}

export interface TestRedis {
  readonly url: string
  readonly port: number
  /** A client for looking in. */
  readonly client: Redis
  /** As a crash of its machine: nothing is written any more. */
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

export async function startRedis(
  settings: readonly string[] = ['--appendonly', 'yes', '--appendfsync', 'always'],
): Promise<TestRedis> {
  const path = redisPath()
  if (path === undefined) throw new Error('There is no redis-server')
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'heddle-redis-'))
  let server: ChildProcess | undefined
  const start = async (): Promise<void> => {
    server = spawn(path, ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...settings], {
      stdio: 'ignore',
    })
    await answering(port)
  }
  const kill = async (): Promise<void> => {
    const dying = server
    if (!dying || dying.exitCode !== null || dying.signalCode !== null) return
    const gone = new Promise((resolve) => dying.once('exit', resolve))
    dying.kill('SIGKILL')
    await gone
  }
  await start()
  const client = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null })
  client.on('error', () => {})
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    client,
    kill,
    start,
    async stop() {
      client.disconnect()
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function answering(port: number): Promise<void> {
  const probe = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null, retryStrategy: () => 20 })
  probe.on('error', () => {})
  try {
    while ((await probe.ping().catch(() => '')) !== 'PONG');
  } finally {
    probe.disconnect()
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => void server.close(resolve))
  return port
}
