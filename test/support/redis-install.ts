/**
 * The Redis of the tests of the fleet. Where it is missing it is installed, if that takes no question: as root, on Debian and what is made of it. Elsewhere
 * those tests are skipped, and this says so; in CI a missing one is a failure, because a skip there would hide one.
 */
import { aptInstall } from './apt.ts'
import { redisPath } from './redis.ts'

export default function setup(): void {
  if (redisPath() !== undefined) return
  aptInstall('redis-server', 'Redis')
  if (redisPath() !== undefined) return
  const message = 'There is no redis-server: install Redis, or name another with REDIS_SERVER=PATH'
  if (process.env['CI'] === 'true') throw new Error(message)
  console.warn(`${message}. The tests of the fleet are skipped.`)
}
