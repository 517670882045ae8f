import { describe, expect, test } from 'vitest'
import { explain, record } from '../../trace/index.ts'
import { thrown } from '../../../test/support/hostile-values.ts'
import { annotation } from './github.ts'
import { errorLines, errorSummary } from './report-error.ts'
import { failedWith, reportDocument, shown, writeReport } from './report-run.ts'

const empty = explain((await record(async () => 1)).trace)

describe.each(Object.entries(thrown))('a program that failed with %s', (_, make) => {
  test('is reported in every form', () => {
    const error = make()
    expect(errorSummary(error).name).toBeTypeOf('string')
    expect(errorLines(error, process.stderr).length).toBeGreaterThan(0)
    expect(annotation(error)).toContain('::error')
    const outcome = { code: 1, error }
    expect(failedWith(outcome)).toBe(true)
    expect(JSON.parse(reportDocument(empty, outcome))).toMatchObject({ ok: false, error: { name: expect.any(String) as string } })
    const lines: string[] = []
    writeReport({ write: (text: string) => lines.push(text), isTTY: false } as unknown as NodeJS.WriteStream, empty, outcome)
    expect(lines.join('')).not.toBe('')
  })

  test('or gave it, is reported too', () => {
    expect(JSON.parse(reportDocument(empty, { code: 0, value: make() }))).toMatchObject({ ok: true })
    expect(shown(make())).toBeTypeOf('string')
  })
})

test('a value that cannot show itself does not fail the run', () => {
  const value = {
    [Symbol.for('nodejs.util.inspect.custom')]() {
      throw new Error('no')
    },
    toJSON() {
      throw new Error('no')
    },
  }
  expect(shown(value)).toContain('cannot be shown')
  expect(JSON.parse(reportDocument(empty, { code: 0, value }))).toMatchObject({ ok: true })
})

test('a cause that is new at each look ends', () => {
  let made = 0
  const error = (): Error => Object.defineProperty(new Error(String(made++)), 'cause', { get: error })
  expect(errorSummary(error()).causes?.at(-1)).toMatch(/^… and \d+ more$/)
})
