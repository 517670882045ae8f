import * as fc from 'fast-check'
import { assert, expect, test } from 'vitest'
import { type Place, WaitQueue } from './wait-queue.ts'

test('serves higher priorities first, and equal ones in order of arrival', () => {
  const queue = new WaitQueue<string>()
  queue.add('a', 0)
  queue.add('b', 0)
  queue.add('urgent', 5)
  queue.add('idle', -1)
  expect([queue.shift(), queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual([
    'urgent',
    'a',
    'b',
    'idle',
    undefined,
  ])
})

test('agrees with a sorted list, whatever is added and taken out', () => {
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: -40, max: 40 }) }),
    fc.constant({ shift: true as const }),
    fc.record({ remove: fc.nat(1_000) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new WaitQueue<number>()
      let model: { value: number; priority: number }[] = []
      const places: Place<number>[] = []
      for (const [value, what] of steps.entries()) {
        if ('add' in what) {
          places.push(queue.add(value, what.add))
          model.push({ value, priority: what.add })
          model = model.toSorted((a, b) => b.priority - a.priority || a.value - b.value)
        } else if ('shift' in what) {
          assert.equal(queue.shift(), model.shift()?.value)
        } else if (places.length > 0) {
          const place = places[what.remove % places.length] as Place<number>
          assert.equal(
            queue.remove(place),
            model.some((entry) => entry.value === place.value),
          )
          model = model.filter((entry) => entry.value !== place.value)
        }
        expect(queue.size).toBe(model.length)
        expect(queue.head).toBe(model[0]?.value)
      }
      expect(Array.from({ length: model.length }, () => queue.shift())).toEqual(model.map((entry) => entry.value))
      expect(queue.head).toBe(undefined)
    }),
  )
})
