import { expect, test } from 'vitest'
import { placeBoxes } from './place.ts'

const box = { width: 100, height: 30 }

test('a diamond: the arms side by side, the ends in the middle', () => {
  //     1
  //  0 ‹ › 3
  //     2
  const nodes = [
    { layer: 0, place: 0 },
    { layer: 1, place: 0 },
    { layer: 1, place: 1 },
    { layer: 2, place: 0 },
  ]
  const edges = [
    { from: 0, to: 1 },
    { from: 0, to: 2 },
    { from: 1, to: 3 },
    { from: 2, to: 3 },
  ]
  const { x, y, height } = placeBoxes(nodes, edges, box)
  expect(x[1]).toBe(x[2])
  expect((y[2] as number) - (y[1] as number)).toBeGreaterThanOrEqual(box.height)
  expect(y[0]).toBeCloseTo(((y[1] as number) + (y[2] as number)) / 2)
  expect(y[3]).toBeCloseTo(y[0] as number)
  expect(height).toBe((y[2] as number) + box.height)
})

test('an edge that closes a circle pulls nothing, and nothing breaks', () => {
  const { x } = placeBoxes(
    [
      { layer: 0, place: 0 },
      { layer: 1, place: 0 },
    ],
    [
      { from: 0, to: 1 },
      { from: 1, to: 0 },
      { from: 1, to: 1 },
    ],
    box,
  )
  expect(x[1]).toBeGreaterThan(x[0] as number)
})

test('no nodes, no size', () => {
  expect(placeBoxes([], [], box)).toMatchObject({ width: 0, height: 0 })
})

test('no two boxes overlap, however many; wide layers are folded', () => {
  let seed = 11
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  const placed = new Map<number, number>()
  const nodes = Array.from({ length: 2_000 }, () => {
    const layer = random(100) < 40 ? 3 : random(30)
    placed.set(layer, (placed.get(layer) ?? -1) + 1)
    return { layer, place: placed.get(layer) as number }
  })
  const edges = Array.from({ length: 4_000 }, () => ({ from: random(2_000), to: random(2_000) }))
  const { x, y, height } = placeBoxes(nodes, edges, box)
  const cells = [...x.keys()].sort((a, b) => (x[a] as number) - (x[b] as number) || (y[a] as number) - (y[b] as number))
  for (let i = 1; i < cells.length; i++) {
    const [a, b] = [cells[i - 1] as number, cells[i] as number]
    const apart = (x[b] as number) - (x[a] as number) >= box.width || (y[b] as number) - (y[a] as number) >= box.height - 1e-6
    expect(apart).toBe(true)
  }
  expect(height).toBeLessThan(100 * box.height)
})
