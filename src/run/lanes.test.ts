import { describe, expect, it } from 'vitest'
import { Group } from './group.ts'
import { Lanes } from './lanes.ts'
import { Values } from './outcome.ts'
import { sourceOf } from './source.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('Lanes', () => {
  it('goes on to the end, within its limit, when that changes on the way', async () => {
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
})
