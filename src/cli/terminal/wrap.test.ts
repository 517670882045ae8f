import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { displayWidth } from '../../base/display-width.ts'
import { columnsOf, tableLines, wrapLine } from './wrap.ts'

describe('a line', () => {
  test('breaks between words, and what follows hangs', () => {
    expect(wrapLine('bound by types → bundle → pack (1.74 s, 100 % of the wall time)', 30)).toEqual([
      'bound by types → bundle → pack',
      '  (1.74 s, 100 % of the wall',
      '  time)',
    ])
    expect(wrapLine('  → start the long ones first', 20)).toEqual(['  → start the long', '    ones first'])
    expect(wrapLine('  run    runs a program', 20, 9)).toEqual(['  run    runs a', '         program'])
  })

  test('keeps what fits, long words, wide letters and colours', () => {
    expect(wrapLine('a   b', 5)).toEqual(['a   b'])
    expect(wrapLine('', 5)).toEqual([''])
    expect(wrapLine('/a/very/long/path/to/a.ts', 10)).toEqual(['/a/very/long/path/to/a.ts'])
    expect(wrapLine('漢字 漢字 漢字', 10)).toEqual(['漢字 漢字', '  漢字'])
    expect(wrapLine('\u001B[1mone two\u001B[22m three', 8)).toEqual(['\u001B[1mone two\u001B[22m', '  three'])
  })

  test('is as wide as asked, and has all words in order, unless a word is longer', () => {
    const words = fc.array(fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom('a', 'b', '漢', '.') }), {
      minLength: 1,
    })
    fc.assert(
      fc.property(words, fc.integer({ min: 0, max: 6 }), fc.integer({ min: 30, max: 60 }), (list, indent, columns) => {
        const lines = wrapLine(' '.repeat(indent) + list.join(' '), columns)
        expect(lines.every((line) => displayWidth(line) <= columns)).toBe(true)
        expect(lines.flatMap((line) => line.trim().split(' '))).toEqual(list)
      }),
    )
  })
})

describe('a table', () => {
  const table = [
    ['', 'tasks', 'running', 'nothing left to start'],
    ['a name that is long', '20', '98.5 %', '0.2 %'],
    ['b', '3', '', ''],
  ]

  test('stands as it is where it fits', () => {
    expect(tableLines(table)).toEqual([
      '                     tasks  running  nothing left to start',
      'a name that is long     20   98.5 %                  0.2 %',
      'b                        3',
    ])
  })

  test('breaks its headings, then cuts its names', () => {
    for (let columns = 24; columns < 60; columns++) {
      const lines = tableLines(table, columns)
      expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(columns)
      expect(lines.join('\n')).toContain('98.5 %')
      expect(lines.join('\n')).toContain('0.2 %')
    }
    expect(tableLines(table, 36).join('\n')).toContain('a name th')
  })

  test('goes on below where even that is too wide, beside the names again', () => {
    const lines = tableLines(table, 24)
    expect(lines.filter((line) => line.startsWith('a name'))).toHaveLength(3)
    expect(lines).toContain('')
  })
})

test('a file and a pipe have no width', () => {
  expect(columnsOf({ columns: 40 })).toBe(Infinity)
  expect(columnsOf({ isTTY: true, columns: 40 })).toBe(40)
  expect(columnsOf({ isTTY: true, columns: 0 })).toBe(Infinity)
})
