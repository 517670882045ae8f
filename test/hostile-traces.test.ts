/**
 * Trace files made by somebody who means harm: counts and lengths that lie, numbers that are none, texts that are names of JavaScript's own. Each is
 * refused in one clear line or read as the data that it is; nothing else changes, and memory stays in proportion to the file.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Recording } from '../src/dashboard/model/recording.ts'
import { InvalidTrace } from '../src/base/errors.ts'
import { crc32 } from '../src/trace/format/crc32.ts'
import { decodeTrace } from '../src/trace/format/decode.ts'
import { encodeTrace } from '../src/trace/format/encode.ts'
import { exportFormats, exportTrace } from '../src/trace/export/index.ts'
import { blockHeadBytes, preambleBytes } from '../src/trace/format/format.ts'
import { joined } from '../src/trace/format/joined.ts'
import { makeTraceOf, type TaskSpec } from './support/traces.ts'
import { runs } from './support/runs.ts'

const names = ['__proto__', 'constructor', 'prototype', 'then', 'toString', 'hasOwnProperty', '__defineGetter__', 'valueOf', '']
const long = 'x'.repeat(1_000_000)

/** Every question that the page may ask. */
function askEverything(bytes: Uint8Array): number {
  const recording = new Recording({ write: exportTrace })
  recording.push(bytes)
  recording.end()
  const { head, groups } = recording.answer('overview', {})
  const to = Math.max(head.wall.to, head.wall.from + 1)
  const range = { from: head.wall.from, to }
  const answers = [
    recording.answer('overview', { range }),
    recording.answer('explanation', {}),
    recording.answer('window', { ...range, columns: 500 }),
    recording.answer('window', { ...range, columns: 1 }),
    recording.answer('path', {}),
    recording.answer('series', {}),
    recording.answer('graph', { expanded: groups.map(({ number }) => number) }),
    ...names.map((search) => recording.answer('tasks', { search, order: 'label' })),
  ]
  const { rows } = recording.answer('tasks', { limit: 5 })
  return answers.length + rows.map(({ id }) => recording.answer('task', { id })).length
}

/** Objects that everybody shares, as they stood before. */
function sharedState(): string {
  const own = [Object.prototype, Array.prototype, Function.prototype].map((one) => Object.getOwnPropertyNames(one).join())
  return JSON.stringify([own, Object.keys(globalThis).length])
}

describe('texts that are names of something else', () => {
  const tasks: TaskSpec[] = [...names, long].map((name, i) => ({
    id: i + 1,
    name,
    startedAt: i,
    settledAt: i + 1,
    state: 'failed',
    error: { name, message: name },
  }))
  const trace = makeTraceOf({
    tasks,
    runs: [
      { id: 1, kind: '__proto__', name: 'constructor' },
      { id: 2, kind: 'constructor', name: '__proto__' },
    ],
    notes: names.map((kind, at) => ({
      at,
      kind,
      text: kind,
      data: JSON.parse('{"__proto__":{"polluted":1}}') as { [key: string]: string },
    })),
    meta: { name: '__proto__' },
  })

  test('are data: every question is answered, and nothing shared has changed', () => {
    const before = sharedState()
    expect(askEverything(encodeTrace(trace))).toBeGreaterThan(10)
    for (const format of exportFormats) expect([...exportTrace(trace, format)].join('').length).toBeGreaterThan(0)
    expect(sharedState()).toBe(before)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  test('errors that are JSON of something else count as none', () => {
    const depth = 100_000
    const strange = [
      'null',
      '7',
      '[]',
      '{',
      '"',
      `${'['.repeat(depth)}${']'.repeat(depth)}`,
      '{"__proto__":{"polluted":1}}',
      '{"name":{},"message":[]}',
    ]
    const { strings, tasks: rows } = trace
    const list = [...strings, ...strange]
    rows.error.set(strange.map((_, i) => strings.length + i))
    const before = sharedState()
    expect(askEverything(encodeTrace({ ...trace, strings: list }))).toBeGreaterThan(10)
    expect(sharedState()).toBe(before)
  })
})

/** Offsets of the blocks of a file. */
function blocksOf(bytes: Uint8Array): { readonly at: number; readonly length: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const blocks = []
  for (let at = preambleBytes; at < bytes.length; at += blockHeadBytes + view.getUint32(at, true))
    blocks.push({ at, length: view.getUint32(at, true) })
  return blocks
}

/** The file with its checksums put right, so that what is wrong is found by what looks at the content. */
function sealed(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice()
  const view = new DataView(copy.buffer)
  for (const { at, length } of blocksOf(bytes))
    view.setUint32(at + 4, crc32(copy.subarray(at + blockHeadBytes, at + blockHeadBytes + length)), true)
  return copy
}

const plain = encodeTrace(
  makeTraceOf({
    tasks: Array.from({ length: 20 }, (_, i) => ({
      id: i + 1,
      name: `task ${i}`,
      needs: i > 0 ? [i] : [],
      row: i % 3,
      startedAt: i,
      settledAt: i + 2,
    })),
    samples: [{ at: 5, busy: 0.5 }],
    notes: [{ at: 1, kind: 'worker-start', data: { row: 1, ms: 1 } }],
  }),
)

/** Refused in one line of our own, or answered. */
function isSafe(bytes: Uint8Array): string {
  try {
    askEverything(bytes)
    return 'answered'
  } catch (error) {
    if (!(error instanceof InvalidTrace)) throw error
    return error.message.includes('\n') ? `a message of several lines: ${error.message}` : 'refused'
  }
}

describe('counts, lengths and numbers that lie', () => {
  test('a length of 4 GB reserves nothing: the block counts as torn', () => {
    const bytes = plain.slice()
    new DataView(bytes.buffer).setUint32((blocksOf(plain)[2] as { at: number }).at, 0xffff_ffff, true)
    const before = process.memoryUsage().rss
    expect(decodeTrace(bytes).meta.complete).toBe(false)
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6)
  })

  test.each([0xffff_ffff, 0x7fff_ffff, 65_537, 21])('a count of %i rows in a small block is refused', (count) => {
    const bytes = plain.slice()
    const rows = blocksOf(plain).find(({ at }) => bytes[at + blockHeadBytes] === 3) as { at: number }
    new DataView(bytes.buffer).setUint32(rows.at + blockHeadBytes + 2, count, true)
    expect(() => decodeTrace(sealed(bytes))).toThrow(InvalidTrace)
  })

  test('any bytes anywhere, with the right checksums: refused in one line, or answered', () => {
    const change = fc.record({ at: fc.integer({ min: preambleBytes, max: plain.length - 1 }), value: fc.nat(255) })
    const starts = new Set(blocksOf(plain).flatMap(({ at }) => Array.from({ length: blockHeadBytes }, (_, i) => at + i)))
    const outcomes = new Set<string>()
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
        const bytes = plain.slice()
        for (const { at, value } of changes) if (!starts.has(at)) bytes[at] = value
        outcomes.add(isSafe(sealed(bytes)))
      }),
      { numRuns: runs(100, 1_500) },
    )
    expect([...outcomes].sort()).toEqual(['answered', 'refused'])
  })

  test('times at the ends of what numbers can say', () => {
    const far = [0, 1e-300, 1e15, Number.MAX_SAFE_INTEGER, 1e300]
    const tasks = far.map((at, i): TaskSpec => ({ id: i + 1, startedAt: 0, settledAt: at }))
    expect(isSafe(encodeTrace(makeTraceOf({ tasks })))).toBe('answered')
  })

  test('a file of 10 MB of nothing is read in proportion to it', () => {
    const before = process.memoryUsage().rss
    expect(isSafe(joined([plain, new Uint8Array(10e6)]))).toBe('refused')
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6)
  })
})
