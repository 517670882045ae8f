import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { Group } from './group.ts'
import { Lanes } from './lanes.ts'
import { Values } from './outcome.ts'
import { Sizes } from './sizes.ts'
import { sourceOf } from './source.ts'
import { turn } from '../../test/support/turn.ts'

describe('Lanes', () => {
  test('goes on to the end, within its limit, when that changes on the way', async () => {
    const items = Array.from({ length: 300 }, (_, i) => i)
    const group = new Group('map', '', {}, items.length, -1)
    const values = new Values(items.length)
    const limits = new Map([
      [50, 1],
      [100, 32],
      [150, 3],
      [200, 2],
      [250, 16],
    ])
    let limit = 16
    let underWay = 0
    const starts: [number, number][] = []
    const lanes: Lanes = new Lanes(
      group,
      sourceOf(items, 'test'),
      async (item) => {
        starts.push([++underWay, limit])
        await turn()
        underWay--
        const next = limits.get(item as number)
        if (next !== undefined) lanes.setLimit((limit = next))
        return item
      },
      values,
      undefined,
    )
    await lanes.run(limit)
    group.close()
    expect(values.results).toEqual(items)
    // Whoever starts is within the limit of that moment.
    expect(starts.filter(([underWay, limit]) => underWay > limit)).toEqual([])
    expect(Math.max(...starts.map(([underWay]) => underWay))).toBeGreaterThan(16)
  })

  test.each([Number.POSITIVE_INFINITY, 1e6])('opens lanes as items come, with a bound of %d', async (limit) => {
    let pulls = 0
    const inner = sourceOf(
      (async function* () {
        yield* [1, 2, 3]
      })(),
      'test',
    )
    const source = Object.assign(Object.create(inner) as typeof inner, {
      pull: () => {
        pulls++
        return inner.pull()
      },
    })
    const group = new Group('map', '', {}, -1, -1)
    const values = new Values(-1)
    await new Lanes(group, source, async (item) => item, values, undefined).run(limit)
    group.close()
    expect(values.results).toEqual([1, 2, 3])
    // Each lane asks once more at the end.
    expect(pulls).toBeLessThanOrEqual(8)
  })

  test.each(['asynchronous', 'synchronous'])(
    'opens no lane behind one that waits for the event loop to turn, %s source',
    async (kind) => {
      const items = [1, 2, 3]
      const source = sourceOf(kind === 'synchronous' ? new Set(items).values() : Readable.from(items), 'test')
      const group = new Group('map', '', {}, -1, -1)
      const values = new Values(-1)
      const lanes = new Lanes(group, source, async (item) => item, values, undefined)
      // The thread was held before the first lane opens, so that each lane pauses before it pulls.
      const until = performance.now() + 30
      while (performance.now() < until);
      await lanes.run(Number.POSITIVE_INFINITY)
      group.close()
      expect(values.results).toEqual(items)
    },
  )

  test('opens no lane behind one that waits for a place to put its result', async () => {
    const group = new Group('mapReduce', '', {}, -1, -1)
    const results: unknown[] = []
    const collector = { passing: true, succeed: (_: number, value: unknown) => void results.push(value), fail: () => false }
    const remote = { slots: 2, sizes: { items: new Sizes(), results: new Sizes() } }
    const items = Array.from({ length: 50 }, (_, i) => i)
    const fn = async (item: unknown): Promise<unknown> => {
      await turn()
      return item
    }
    const lanes = new Lanes(
      group,
      sourceOf(new Set(items).values(), 'test'),
      fn,
      collector as never,
      undefined,
      undefined,
      remote,
    )
    await lanes.run(Number.POSITIVE_INFINITY)
    group.close()
    expect(results.toSorted((a, b) => Number(a) - Number(b))).toEqual(items)
  })

  test('has as many under way as items have come, within the bound', async () => {
    const come: (() => void)[] = []
    let underWay = 0
    let most = 0
    const source = sourceOf(
      (async function* () {
        for (let i = 0; i < 40; i++) yield i
      })(),
      'test',
    )
    const group = new Group('map', '', {}, -1, -1)
    const values = new Values(-1)
    const fn = async (item: unknown): Promise<unknown> => {
      most = Math.max(most, ++underWay)
      await new Promise<void>((resolve) => come.push(resolve))
      underWay--
      return item
    }
    const done = new Lanes(group, source, fn, values, undefined).run(25)
    for (let i = 0; i < 10; i++) await turn()
    expect(underWay).toBe(25)
    while (values.results.length < 40) {
      come.shift()?.()
      await turn()
    }
    await done
    group.close()
    expect(most).toBe(25)
  })
})
