import { describe, expect, expectTypeOf, test } from 'vitest'
import { guard, InvalidOption, limiter, limiterPer, map, stream } from '../index.ts'

/** Counts how many calls of each host are under way at once. */
function hosts(): { most: Map<string, number>; fetch: (url: string) => Promise<string> } {
  const [now, most] = [new Map<string, number>(), new Map<string, number>()]
  const fetch = async (url: string): Promise<string> => {
    const { host } = new URL(url)
    now.set(host, (now.get(host) ?? 0) + 1)
    most.set(host, Math.max(most.get(host) ?? 0, now.get(host) ?? 0))
    await new Promise((resolve) => setImmediate(resolve))
    now.set(host, (now.get(host) ?? 0) - 1)
    return url
  }
  return { most, fetch }
}

const urls = Array.from({ length: 120 }, (_, n) => `http://host-${n % 3}/${n}`)
const perHost = () => limiterPer((url: string) => new URL(url).host, { concurrency: 2 })
const expected = new Map([['host-0', 2], ['host-1', 2], ['host-2', 2]]) // prettier-ignore

describe('a limiter for each key', () => {
  test.each(['map', 'stream', 'guard'])('bounds each by itself: %s', async (how) => {
    const { most, fetch } = hosts()
    const limit = perHost()
    const options = { concurrency: 50, limit }
    const guarded = guard(fetch, { limit })
    const ways: Record<string, () => Promise<string[]>> = {
      map: () => map(urls, fetch, options),
      stream: () => stream(urls).map(fetch, options).toArray(),
      guard: () => Promise.all(urls.map((url) => guarded(url))),
    }
    expect(await ways[how]?.()).toEqual(urls)
    expect(most).toEqual(expected)
    expect(limit.size).toBe(3)
  })

  test('drops idle keys', async () => {
    const limit = limiterPer((n: number) => n, { concurrency: 1 })
    await map(Array.from({ length: 5_000 }, (_, n) => n), async (n) => n, { concurrency: 4, limit }) // prettier-ignore
    expect(limit.size).toBeLessThanOrEqual(64)
  })

  test('keeps one that is used, or whose window has not passed', async () => {
    const limit = limiterPer((n: number) => n, { rate: 1, per: '1h' })
    expect(limit(1).tryAcquire()).toBeDefined()
    for (let n = 2; n < 1_000; n++) limit(n)
    expect(limit(1).tryAcquire()).toBeUndefined()
    expect(limit.size).toBeLessThan(130)
  })

  test('takes any function of the arguments; undefined is no limit', async () => {
    const busy = limiter({ concurrency: 1 })
    const seen: number[] = []
    const limit = (n: number): typeof busy | undefined => (n % 2 === 0 ? busy : undefined)
    await map([1, 2, 3, 4], (n) => void seen.push(n), { limit, concurrency: 4 })
    expect(busy.stats.started).toBe(2)
    expect(seen.toSorted()).toEqual([1, 2, 3, 4])
    await map([{ host: 'a' }], (page) => page.host, {
      limit: (page) => (expectTypeOf(page).toEqualTypeOf<{ host: string }>(), undefined),
    })
  })

  test('fails what its function throws', async () => {
    const bad = (): never => {
      throw new TypeError('no host')
    }
    await expect(map([1], (n) => n, { limit: bad, retry: 3 })).rejects.toThrow('no host')
    await expect(map([1], (n) => n, { limit: (() => 5) as never })).rejects.toThrow(InvalidOption)
    expect(() => limiterPer((n: number) => n, {})).toThrow(InvalidOption)
  })
})
