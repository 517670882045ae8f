/** Opens the store that a URL names, and looks whether it keeps what it is given. */
import { InvalidOption } from '../../base/errors.ts'
import { FleetRefused } from '../protocol/errors.ts'
import { initPostgres, openPostgres } from './postgres.ts'
import { openRedis } from './redis.ts'
import type { Store } from './store.ts'

/** @throws {InvalidOption} for a URL of another kind */
export function openStore(url: string, space: string): Promise<Store> {
  if (/^rediss?:\/\//.test(url)) return openRedis(url, space)
  if (isPostgres(url)) return openPostgres(url, space)
  throw new InvalidOption('Expected `url` of a fleet to begin with redis://, rediss:// or postgres://', {
    hint: 'Give the address of the store, as in redis://127.0.0.1:6379.',
  })
}

const isPostgres = (url: string): boolean => /^postgres(?:ql)?:\/\//.test(url)

/**
 * Prepares a store for one tenant of a fleet, where it needs that; doing it again changes nothing.
 *
 * @returns what was made, in words
 */
export async function initStore(url: string, space: string): Promise<string> {
  if (isPostgres(url)) return `the schema ${await initPostgres(url, space)} is there`
  const store = await openStore(url, space)
  await store.close()
  return 'Redis needs no preparation'
}

/** @throws {FleetRefused} where the store may lose work */
export async function checkStore(store: Store, preflight: 'refuse' | 'warn' | 'off'): Promise<void> {
  if (preflight === 'off') return
  const wrong = await store.preflight()
  if (wrong.length === 0) return
  const message = `The store of the fleet may lose work: ${wrong.join('; ')}`
  if (preflight === 'refuse')
    throw new FleetRefused(message, { hint: 'Set it as it says, or take the risk with preflight: "warn".' })
  process.stderr.write(`heddle: ${message}\n`)
}
