/**
 * The Redis and the Postgres of the tests of the fleet. Where one is missing it is installed, if that takes no question: as root, on Debian and what is made of
 * it. Elsewhere those tests are skipped, and this says so; in CI a missing one is a failure, because a skip there would hide one.
 */
import { aptInstall } from './apt.ts'
import { postgresPath } from './postgres.ts'
import { redisPath } from './redis.ts'

export default function setup(): void {
  install('Redis', 'redis-server', redisPath, 'name another redis-server with REDIS_SERVER=PATH')
  install('Postgres', 'postgresql', postgresPath, 'name the folder of another with POSTGRES_BIN=FOLDER')
}

function install(name: string, packageName: string, path: () => string | undefined, elsewhere: string): void {
  if (path() !== undefined) return
  aptInstall(packageName, name)
  if (path() !== undefined) return
  const message = `${name} is missing: install it, or ${elsewhere}`
  if (process.env['CI'] === 'true') throw new Error(message)
  console.warn(`${message}. The tests of the fleet on ${name} are skipped.`)
}
