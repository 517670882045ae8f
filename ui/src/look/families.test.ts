import { expect, test } from 'vitest'
import { colourPlaces, familiesOf, shortName } from './families.ts'

test('a group is called by what it runs', () => {
  expect(['call "entities"', 'entities', 'map "a "b""', 'graph', 'x "y" z'].map(shortName)).toEqual([
    'entities',
    'entities',
    'a "b"',
    'graph',
    'x "y" z',
  ])
})

test('groups of one name are one family, most time first', () => {
  const families = familiesOf([
    { number: 0, label: 'map "load"', totalMs: 40 },
    { number: 1, label: 'entities', totalMs: 30 },
    { number: 3, label: 'call "entities"', totalMs: 25 },
    { number: 2, label: 'rest', totalMs: 1 },
  ])
  expect(families).toMatchObject([
    { name: 'entities', groups: [1, 3] },
    { name: 'load', groups: [0] },
    { name: 'rest', groups: [2] },
  ])
  expect([...colourPlaces(families, 2)]).toEqual([1, 0, 2, 0])
  expect([...colourPlaces([], 2)]).toEqual([])
})
