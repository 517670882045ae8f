/** A Redis with an append-only file and one worker process of the fleet, for as long as the bench lives. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const server = '/usr/bin/redis-server'
export const absent = existsSync(server) ? undefined : { absent: 'redis-server is not installed' }

/** @param {readonly string[]} [modules] worker modules; none: no worker of heddle's @param {{ workers?: number, slots?: number }} [crew] processes, and the slots of each */
export async function openRedis(modules = [], { workers = 1, slots } = {}) {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-'))
  const redis = spawn(server, ['--port', String(port), '--dir', folder, '--appendonly', 'yes', '--save', ''], { stdio: 'ignore' })
  await new Promise((resolve) => setTimeout(resolve, 500))
  const url = `redis://127.0.0.1:${port}`
  const command = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
  const files = modules.map((each) => fileURLToPath(new URL(each, import.meta.url)))
  const size = slots === undefined ? [] : ['--concurrency', String(slots)]
  const crew = Array.from({ length: files.length > 0 ? workers : 0 }, () =>
    spawn(process.execPath, [command, 'worker', '--json', '--fleet', url, ...size, ...files], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  await Promise.all(
    crew.map((worker) => once(createInterface({ input: /** @type {import('node:stream').Readable} */ (worker.stdout) }), 'line')),
  )
  return {
    port,
    url,
    close() {
      for (const worker of crew) worker.kill('SIGKILL')
      redis.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** @returns {Promise<number>} */
async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address())
  probe.close()
  return port
}
