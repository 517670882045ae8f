import { expect, test } from 'vitest'
import { placeBoxes } from './place.ts'
import { nearestGap, routeEdges } from './route.ts'

const box = { width: 100, height: 30 }

test('the nearest gap is the wish itself, or just beside a box', () => {
  expect(nearestGap([0, 100], 30, 60)).toBe(60)
  expect(nearestGap([0, 100], 30, 20)).toBe(36)
  expect(nearestGap([0, 100], 30, 10)).toBe(-6)
  expect(nearestGap([0, 42, 84], 30, 50)).toBe(36)
  expect(nearestGap([], 30, 5)).toBe(5)
})

test('an edge over a layer goes around the boxes there', () => {
  //  0 → 1 → 2,  0 → 2 directly
  const nodes = [0, 1, 2].map((layer) => ({ layer, place: 0 }))
  const edges = [
    { from: 0, to: 1 },
    { from: 1, to: 2 },
    { from: 0, to: 2 },
  ]
  const placing = placeBoxes(nodes, edges, box)
  const routes = routeEdges(nodes, edges, placing, box)
  expect(routes.slice(0, 2)).toEqual([[], []])
  const [pass] = routes[2] ?? []
  const top = placing.y[1] as number
  expect(pass?.left).toBe(placing.x[1])
  expect((pass?.y ?? 0) < top || (pass?.y ?? 0) > top + box.height).toBe(true)
})

test('edges backward and within a layer pass nothing', () => {
  const nodes = [0, 1, 2].map((layer) => ({ layer, place: 0 }))
  const edges = [
    { from: 2, to: 0 },
    { from: 1, to: 1 },
  ]
  expect(routeEdges(nodes, edges, placeBoxes(nodes, edges, box), box)).toEqual([[], []])
})
