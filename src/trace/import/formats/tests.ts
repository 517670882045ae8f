/**
 * Reports of test runners as JSON: Playwright's, and Vitest's, which is Jest's. A run is the root, with files and their tests below.
 *
 * @see https://playwright.dev/docs/test-reporters#json-reporter
 * @see https://vitest.dev/guide/reporters.html#json-reporter
 */
import type { SpanSink } from '../spans/spans.ts'
import { newDraft, ownOperation, testOperation } from './draft.ts'
import type { DocumentFormat } from './reader.ts'
import { dateMs, field, listOf, numberOf, textOf } from './values.ts'

interface TestOf {
  readonly name: string
  readonly lane: string
  readonly code: string
  readonly startMs: number
  readonly endMs: number
  readonly failed: boolean
  readonly below: readonly TestOf[]
}

export const playwright: DocumentFormat = {
  name: 'Playwright report',
  is: (root) => Array.isArray(field(root, 'suites')) && field(root, 'config') !== undefined,
  read(root, sink, file) {
    const tests: TestOf[] = []
    const todo = [...listOf(field(root, 'suites'))]
    while (todo.length > 0) {
      const suite = todo.pop()
      todo.push(...listOf(field(suite, 'suites')))
      for (const spec of listOf(field(suite, 'specs')))
        for (const test of listOf(field(spec, 'tests')))
          for (const result of listOf(field(test, 'results'))) tests.push(playwrightTest(spec, result))
    }
    addTests(sink, playwright.name, 'playwright test', file, tests)
  },
}

function playwrightTest(spec: unknown, result: unknown): TestOf {
  const startMs = dateMs(field(result, 'startTime'))
  return {
    name: textOf(field(spec, 'title')),
    lane: `worker ${textOf(field(result, 'workerIndex')) || '0'}`,
    code: `${textOf(field(spec, 'file'))}:${textOf(field(spec, 'line'))}`,
    startMs,
    endMs: startMs + numberOf(field(result, 'duration')),
    failed: field(result, 'status') === 'failed' || field(result, 'status') === 'timedOut',
    below: [],
  }
}

export const vitest: DocumentFormat = {
  name: 'Vitest report',
  is: (root) => Array.isArray(field(root, 'testResults')),
  read(root, sink, file) {
    const files = listOf(field(root, 'testResults')).map((result): TestOf => {
      const name = textOf(field(result, 'name'))
      const startMs = numberOf(field(result, 'startTime'))
      let at = startMs
      const below = listOf(field(result, 'assertionResults')).flatMap((test): TestOf[] => {
        const ms = numberOf(field(test, 'duration'))
        if (!Number.isFinite(ms)) return []
        // Where a test has no start of its own, it began when the one before it ended: that is how a file runs.
        const began = numberOf(field(test, 'startTime'))
        const from = Number.isFinite(began) ? began : at
        at = from + ms
        return [
          {
            name: textOf(field(test, 'fullName')) || textOf(field(test, 'title')),
            lane: name,
            code: name,
            startMs: from,
            endMs: at,
            failed: field(test, 'status') === 'failed',
            below: [],
          },
        ]
      })
      return {
        name,
        lane: name,
        code: name,
        startMs,
        endMs: numberOf(field(result, 'endTime')),
        failed: field(result, 'status') === 'failed',
        below,
      }
    })
    addTests(sink, vitest.name, 'vitest run', file, files)
  },
}

function addTests(sink: SpanSink, format: string, name: string, file: string, all: readonly TestOf[]): void {
  const tests = all.filter(({ startMs, endMs }) => Number.isFinite(startMs) && Number.isFinite(endMs))
  if (tests.length === 0) return sink.warn(`${format}: none of ${all.length} tests has a start and an end`)
  sink.format = format
  const draft = newDraft()
  const [from, to] = tests.reduce(([a, b], one) => [Math.min(a, one.startMs), Math.max(b, one.endMs)], [Infinity, -Infinity])
  const epochMs = sink.epochMs(from)
  let count = 0
  const add = (test: TestOf, parentId: string): void => {
    const id = `${count++}`
    draft.traceId = `${format} ${file} ${from}`
    draft.id = `test ${id}`
    draft.parentId = parentId
    draft.name = test.name
    draft.service = test.lane
    draft.start = test.startMs - epochMs
    draft.end = test.endMs - epochMs
    draft.failed = test.failed
    draft.code = test.code
    // A file of tests shares what it sets up; the tests of different files do not by convention.
    draft.operation = parentId === '' ? ownOperation(test.name) : testOperation(test.name)
    sink.add(draft)
    for (const one of test.below) add(one, `test ${id}`)
  }
  add({ name, lane: '', code: '', startMs: from, endMs: to, failed: tests.some(({ failed }) => failed), below: tests }, '')
}
