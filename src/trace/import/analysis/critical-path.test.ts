import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Drawn, drawn } from '../spans.fixture.ts'
import { spanPath } from './critical-path.ts'
import { forestOf } from './forest.ts'

/** Own time on the path by name of the span; spans off the path are absent. */
function ownTimes(spans: readonly Drawn[]): Record<string, number> {
  const forest = forestOf(drawn(spans))
  const times: Record<string, number> = {}
  for (const [row, ms] of spanPath(forest, forest.roots[0] as number).own) {
    const name = spans[row]?.name ?? (spans[row]?.id as string)
    times[name] = (times[name] ?? 0) + ms
  }
  return times
}

type Row = readonly [id: string, parent: string, start: number, ms: number, name?: string]

const spansOf = (rows: readonly Row[]): Drawn[] =>
  rows.map(([id, parentId, start, ms, name]) => ({ id, parentId, start, ms, name: name ?? id, service: name ?? id }))

/**
 * Inputs and times of the cases that uber-research/CRISP publishes in `test_cases`, each by its number there. Those that are left out repeat the input of one that is here.
 */
const crisp: readonly (readonly [number, readonly Row[], Readonly<Record<string, number>>])[] = [
  [1, [['A', '', 0, 100]], { A: 100 }],
  [
    2,
    [
      ['A', '', 0, 100],
      ['B', 'A', 10, 50],
    ],
    { A: 50, B: 50 },
  ],
  [
    3,
    [
      ['A', '', 0, 100],
      ['B', 'A', 0, 100],
    ],
    { A: 0, B: 100 },
  ],
  [
    4,
    [
      ['A', '', 0, 100],
      ['B', 'A', 10, 50],
      ['C', 'B', 20, 10],
    ],
    { A: 50, B: 40, C: 10 },
  ],
  [
    5,
    [
      ['A', '', 0, 100],
      ['B1', 'A', 10, 20, 'B'],
      ['B2', 'A', 40, 10, 'B'],
      ['B3', 'A', 60, 30, 'B'],
    ],
    { A: 40, B: 60 },
  ],
  [
    6,
    [
      ['A', '', 0, 100],
      ['B', 'A', 10, 20],
      ['C', 'A', 40, 10],
      ['D', 'A', 60, 30],
    ],
    { A: 40, B: 20, C: 10, D: 30 },
  ],
  [
    7,
    [
      ['A', '', 0, 100],
      ['B', 'A', 10, 100],
      ['C', 'B', 40, 10],
    ],
    { A: 10, B: 80, C: 10 },
  ],
  [
    8,
    [
      ['A', '', 0, 100],
      ['B', 'A', 10, 60],
      ['C', 'B', 20, 100],
    ],
    { A: 40, B: 10, C: 50 },
  ],
  [
    9,
    [
      ['A', '', 0, 100],
      ['B', 'A', 110, 50],
      ['C', 'B', 120, 30],
      ['D', 'A', 60, 30],
    ],
    { A: 70, D: 30 },
  ],
  [
    10,
    [
      ['A', '', 0, 1000],
      ['B', 'A', 10, 200],
      ['C', 'A', 209, 100],
      ['D', 'A', 308, 300],
    ],
    { A: 400, B: 200, C: 100, D: 300 },
  ],
  [
    11,
    [
      ['A', '', 0, 100],
      ['B', 'A', 30, 30],
    ],
    { A: 70, B: 30 },
  ],
  [
    12,
    [
      ['A', '', 0, 100],
      ['B', 'A', 10, 60],
      ['C', 'B', 25, 20],
      ['D', 'B', 30, 20],
    ],
    { A: 40, B: 40, D: 20 },
  ],
  [
    14,
    [
      ['A', '', 0, 80],
      ['B', 'A', 10, 20],
      ['C', 'A', 20, 25],
      ['D', 'A', 40, 25],
    ],
    { A: 35, B: 20, D: 25 },
  ],
  [
    15,
    [
      ['A', '', 0, 100],
      ['B', 'A', 10, 10],
      ['C', 'A', 25, 10],
      ['D', 'A', 40, 10],
      ['E', 'A', 55, 10],
      ['F', 'A', 70, 10],
      ['G', 'A', 85, 15],
    ],
    { A: 35, B: 10, C: 10, D: 10, E: 10, F: 10, G: 15 },
  ],
  [
    16,
    [
      ['A', '', 0, 110],
      ['B', 'A', 10, 10],
      ['C', 'A', 15, 20],
      ['D', 'A', 30, 10],
      ['E', 'A', 50, 10],
      ['F', 'A', 70, 30],
      ['G', 'F', 80, 10],
    ],
    { A: 50, B: 10, D: 10, E: 10, F: 20, G: 10 },
  ],
  [
    17,
    [
      ['A', '', 0, 100],
      ['B', 'A', 20, 50],
      ['C', 'B', 30, 20],
      ['D', 'A', 80, 10],
    ],
    { A: 40, B: 30, C: 20, D: 10 },
  ],
  [
    18,
    [
      ['A', '', 0, 250],
      ['B', 'A', 10, 100],
      ['C', 'B', 30, 10],
      ['D', 'B', 50, 10],
      ['E', 'B', 70, 10],
      ['F', 'A', 120, 100],
      ['G', 'F', 140, 60],
      ['H', 'G', 150, 20],
      ['I', 'G', 180, 10],
    ],
    { A: 50, B: 70, C: 10, D: 10, E: 10, F: 40, G: 30, H: 20, I: 10 },
  ],
  [
    19,
    [
      ['A', '', 0, 600],
      ['B', 'A', 10, 200],
      ['C', 'A', 205, 100],
      ['D', 'A', 300, 300],
    ],
    { A: 0, B: 200, C: 100, D: 300 },
  ],
  [
    22,
    [
      ['A', '', 0, 300],
      ['B', 'A', 50, 50, 'B'],
      ['C', 'A', 150, 50, 'B'],
      ['D', 'A', 250, 50, 'B'],
    ],
    { A: 150, B: 150 },
  ],
  [
    23,
    [
      ['A', '', 0, 700],
      ['B', 'A', 50, 300, 'B'],
      ['C', 'B', 100, 50, 'C'],
      ['D', 'B', 200, 50, 'C'],
      ['E', 'B', 300, 50, 'C'],
      ['F', 'A', 400, 300, 'B'],
      ['G', 'F', 450, 50, 'C'],
      ['H', 'F', 550, 50, 'C'],
      ['I', 'F', 650, 50, 'C'],
    ],
    { A: 100, B: 300, C: 300 },
  ],
]

/** Inputs and sections, last one first, of the cases of Jaeger's page (`CriticalPath/testCases`). */
const jaeger: readonly (readonly [number, readonly Row[], readonly (readonly [string, number, number])[]])[] = [
  [
    1,
    [
      ['E', 'C', 50, 10],
      ['C', '', 1, 100],
      ['D', 'C', 20, 20],
    ],
    [
      ['C', 60, 101],
      ['E', 50, 60],
      ['C', 40, 50],
      ['D', 20, 40],
      ['C', 1, 20],
    ],
  ],
  [
    2,
    [
      ['X', '', 1, 100],
      ['A', 'X', 10, 40],
      ['C', 'X', 20, 40],
    ],
    [
      ['X', 60, 101],
      ['C', 20, 60],
      ['X', 1, 20],
    ],
  ],
  [
    4,
    [
      ['A', '', 1, 30],
      ['B', 'A', 40, 40],
      ['C', 'B', 50, 10],
    ],
    [['A', 1, 31]],
  ],
  [
    6,
    [
      ['A', '', 1, 29],
      ['B', 'A', 15, 20],
      ['C', 'B', 10, 15],
    ],
    [
      ['B', 25, 30],
      ['C', 15, 25],
      ['A', 1, 15],
    ],
  ],
  [
    7,
    [
      ['A', '', 1, 29],
      ['B', 'A', 15, 20],
      ['C', 'B', 20, 20],
    ],
    [
      ['C', 20, 30],
      ['B', 15, 20],
      ['A', 1, 15],
    ],
  ],
  [
    8,
    [
      ['A', '', 10, 20],
      ['B', 'A', 5, 30],
    ],
    [['B', 10, 30]],
  ],
  [
    9,
    [
      ['A', '', 10, 20],
      ['B', 'A', 1, 4],
    ],
    [['A', 10, 30]],
  ],
]

describe('the critical path of a request', () => {
  test.each(crisp)('is that of CRISP in its case %i', (_, rows, expected) => {
    expect(ownTimes(spansOf(rows))).toEqual(expected)
  })

  test.each(jaeger)('has the sections of Jaeger in its case %i', (_, rows, expected) => {
    const forest = forestOf(drawn(spansOf(rows)))
    const path = spanPath(forest, forest.roots[0] as number)
    expect(path.rows.map((row, i) => [rows[row]?.[0], path.from[i], path.to[i]])).toEqual(expected)
  })

  test('does not wait for what follows its parent', () => {
    const spans = spansOf([
      ['A', '', 1, 30],
      ['B', 'A', 10, 10],
      ['C', 'B', 12, 2],
    ])
    expect(ownTimes(spans.map((span) => (span.id === 'B' ? { ...span, follows: true } : span)))).toEqual({ A: 30 })
  })

  test('keeps siblings of equal times in order, also those without any length', () => {
    const rows: Row[] = [
      ['A', '', 0, 30],
      ['B', 'A', 0, 10],
      ['Z', 'A', 10, 0],
      ['C', 'A', 10, 10],
      ['D', 'A', 20, 10],
    ]
    expect(ownTimes(spansOf(rows))).toEqual({ A: 0, B: 10, Z: 0, C: 10, D: 10 })
  })

  test('takes ten thousand siblings and five thousand levels', () => {
    const wide: Row[] = [['A', '', 0, 10_000], ...Array.from({ length: 10_000 }, (_, i): Row => [`s${i}`, 'A', i, 1, 'S'])]
    expect(ownTimes(spansOf(wide))).toEqual({ A: 0, S: 10_000 })
    const deep = Array.from({ length: 5_000 }, (_, i): Row => [`d${i}`, i === 0 ? '' : `d${i - 1}`, i, 10_000 - 2 * i, 'D'])
    expect(ownTimes(spansOf(deep))).toEqual({ D: 10_000 })
  })

  test('is what walking back step by step finds', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 60 }), fc.nat()), { maxLength: 12 }), (list) => {
        // Times in hundreds of a step, so that no overlap is small enough to be forgiven.
        const rows: Row[] = [['r', '', 0, 60]]
        for (const [i, [start, ms, parent]] of list.entries())
          rows.push([`s${i}`, rows[parent % rows.length]?.[0] as string, start, ms])
        const forest = forestOf(drawn(spansOf(rows)))
        const path = spanPath(forest, 0)
        const steps = stepByStep(rows, forest.start, forest.end, forest.apart)
        const found = new Map<string, number>()
        for (const [row, ms] of path.own) if (ms > 0) found.set(rows[row]?.[0] as string, ms)
        expect(found).toEqual(steps)
        expect([...path.own.values()].reduce((a, b) => a + b, 0)).toBe(60)
      }),
    )
  })
})

/** One unit of time after the other, from the end: who has it? The child of the holder that ended last until then, and so on down. */
function stepByStep(rows: readonly Row[], start: Float64Array, end: Float64Array, apart: Uint8Array): Map<string, number> {
  const times = new Map<string, number>()
  const below = (id: string): number[] => rows.flatMap((row, i) => (row[1] === id && apart[i] === 0 ? [i] : []))
  const walk = (row: number, until: number): void => {
    const id = rows[row]?.[0] as string
    const left = new Set(below(id))
    let at = until
    while (at > (start[row] as number)) {
      // Of several that end here, the one that began last, and then the one that was written last.
      const ending = [...left].filter((child) => end[child] === at)
      const child = ending.sort((a, b) => (start[b] as number) - (start[a] as number) || b - a)[0]
      if (child === undefined) {
        times.set(id, (times.get(id) ?? 0) + 1)
        at--
      } else {
        left.delete(child)
        walk(child, at)
        at = start[child] as number
      }
    }
  }
  walk(0, end[0] as number)
  return times
}
