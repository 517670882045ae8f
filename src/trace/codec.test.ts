import * as fc from 'fast-check'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { makeTraceOf, type TaskSpec } from '../../test/support/traces.ts'
import { closeRun, newTask, openRun, taskSettled, taskStarted } from '../base/observer.ts'
import { InvalidTrace } from '../base/errors.ts'
import { decodeTrace, TraceDecoder } from './decode.ts'
import { encodeTrace } from './encode.ts'
import { explain } from './explain.ts'
import { readTrace, saveTrace, TraceFile } from './file.ts'
import { type Trace, tableNames, taskError } from './model.ts'
import { Recorder } from './recorder.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-trace-'))
afterAll(() => rmSync(folder, { recursive: true }))

const plain = (trace: Trace) =>
  JSON.parse(
    JSON.stringify({
      ...Object.fromEntries(tableNames.map((name) => [name, trace[name]])),
      strings: trace.strings,
      meta: trace.meta,
    }),
  ) as unknown

const time = fc.double({ min: 0, max: 1e6, noNaN: true })
const task: fc.Arbitrary<TaskSpec> = fc.record({
  startedAt: time,
  settledAt: time,
  readyAt: time,
  queuedAt: time,
  row: fc.nat(9),
  parent: fc.nat(30),
  run: fc.nat(3),
  name: fc.string(),
  needs: fc.array(fc.nat(30), { maxLength: 3 }),
  state: fc.constantFrom('done', 'failed', 'cancelled', 'running', 'queued'),
  error: fc.record({ name: fc.string(), message: fc.string() }),
})

const sample = (tasks = 40): Trace =>
  makeTraceOf({
    tasks: Array.from({ length: tasks }, (_, i) => ({
      startedAt: i,
      settledAt: i + 5,
      name: `t${i % 7}`,
      needs: i > 1 ? [i - 1, i] : [],
      row: i % 3,
    })),
    samples: [{ at: 10, busy: 0.5 }],
    notes: [{ at: 1, kind: 'inline', text: 'ran here', data: { items: 3 } }],
  })

/** What `read` gives, or undefined when it refuses the trace; any other error is thrown on. */
function refusedOr<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof InvalidTrace) return undefined
    throw error
  }
}

/** Recomputes every block's checksum, so that only the contents are wrong. */
async function resealed(bytes: Uint8Array): Promise<Uint8Array> {
  const { crc32 } = await import('node:zlib')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 8; at + 8 <= bytes.length;) {
    const length = view.getUint32(at, true)
    view.setUint32(at + 4, crc32(bytes.subarray(at + 8, at + 8 + length)), true)
    at += 8 + length
  }
  return bytes
}

describe('a trace written and read again', () => {
  it('is the same trace', () => {
    fc.assert(
      fc.property(fc.array(task, { maxLength: 30 }), (tasks) => {
        const trace = makeTraceOf({ tasks })
        expect(plain(decodeTrace(encodeTrace(trace)))).toEqual(plain(trace))
      }),
      { numRuns: 200 },
    )
  })

  it('may arrive in pieces of any size', () => {
    const bytes = encodeTrace(sample())
    for (const size of [1, 3, 7, 64, 1_000]) {
      const decoder = new TraceDecoder()
      for (let at = 0; at < bytes.length; at += size) decoder.push(bytes.subarray(at, at + size))
      expect(plain(decoder.trace())).toEqual(plain(sample()))
    }
  })
})

describe('a file written while running', () => {
  it('has everything when it was closed, also what settled between two writes', () => {
    const path = join(folder, 'whole.heddle')
    const recorder = new Recorder({ name: 'whole', live: true })
    const file = new TraceFile(path, recorder)
    const run = openRun('map', 'f', { task: 0, run: 0 }, 3, 2)
    const tasks = [0, 1, 2].map((index) => newTask(run, index, 0, performance.now()))
    for (const [i, task] of tasks.entries()) {
      taskStarted(task, performance.now())
      file.flush()
      taskSettled(task, performance.now(), i === 2 ? 'failed' : 'done', i === 2 ? new TypeError('no') : undefined)
      file.flush()
    }
    closeRun(run, 'failed')
    const trace = recorder.end()
    file.close()
    expect(plain(readTrace(path))).toEqual(plain(trace))
    expect(taskError(trace, 2)).toMatchObject({ name: 'TypeError', message: 'no' })
  })

  it('is readable when the program dies between two writes, with the tasks under way', () => {
    const path = join(folder, 'torn.heddle')
    const recorder = new Recorder({ name: 'torn', live: true })
    const file = new TraceFile(path, recorder)
    const run = openRun('map', 'f', { task: 0, run: 0 }, 2, 2)
    const [first, second] = [newTask(run, 0, 0, performance.now(), 'first'), newTask(run, 1, 0, performance.now(), 'second')]
    taskStarted(first, performance.now())
    taskStarted(second, performance.now())
    file.flush()
    const early = readTrace(path)
    expect(early.meta.complete).toBe(false)
    expect([...early.tasks.state]).toEqual([1, 1])
    taskSettled(first, performance.now(), 'done')
    file.flush()
    const later = readTrace(path)
    expect([...later.tasks.id]).toEqual([first.id, second.id])
    expect([...later.tasks.state]).toEqual([2, 1])
    expect(later.tasks.name.length).toBe(2)
    expect(explain(later).groups.map(({ label, done, unfinished }) => [label, done, unfinished])).toContainEqual(['second', 0, 1])
    closeRun(run, 'done')
    recorder.end()
    file.close()
  })

  it('is readable wherever the last write was cut off', () => {
    const path = join(folder, 'cut.heddle')
    const bytes = encodeTrace(sample(200))
    let tasks = 0
    for (let length = 8; length < bytes.length; length += 97) {
      writeFileSync(path, bytes)
      truncateSync(path, length)
      // Without a head there is nothing to read yet; afterwards every cut leaves at least what the one before left.
      const trace = refusedOr(() => readTrace(path))
      expect(trace?.meta.complete ?? false).toBe(false)
      expect(trace?.tasks.count ?? 0).toBeGreaterThanOrEqual(tasks)
      tasks = trace?.tasks.count ?? 0
    }
    expect(tasks).toBe(200)
  })
})

describe('a file that is no trace', () => {
  it.each([
    ['empty', Buffer.from('')],
    ['text', Buffer.from('hello, this is not a trace at all')],
    ['JSON', Buffer.from('{"__proto__": {"polluted": true}}')],
    ['half a magic', Buffer.from('hedd')],
    ['a newer format', Buffer.concat([Buffer.from('heddle\0'), Buffer.from([2])])],
    ['nothing after the magic', Buffer.concat([Buffer.from('heddle\0'), Buffer.from([1])])],
  ])('is refused in one sentence: %s', (_what, bytes) => {
    expect(() => decodeTrace(bytes)).toThrow(InvalidTrace)
  })

  it('is refused when a block in the middle is damaged, and says where', () => {
    const bytes = encodeTrace(sample())
    bytes[200] = (bytes[200] ?? 0) ^ 1
    expect(() => decodeTrace(bytes)).toThrow(/damaged at byte \d+/)
  })

  it('is refused or harmless for any bytes behind right checksums', async () => {
    const good = encodeTrace(sample())
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 17), fc.nat(255)), { minLength: 1, maxLength: 20 }),
        async (changes) => {
          const bytes = Uint8Array.from(good)
          // Lengths stay, so that the checksums can be set right; everything else may change.
          for (const [at, byte] of changes) if (!isLength(good, at + 16)) bytes[at + 16] = byte
          const sealed = await resealed(bytes)
          const explained = refusedOr(() => explain(decodeTrace(sealed)))
          expect(Number.isFinite(explained?.speedup ?? 0)).toBe(true)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('cannot reach the prototypes', () => {
    const trace = makeTraceOf({
      tasks: [
        { startedAt: 0, settledAt: 1, name: '__proto__' },
        { startedAt: 0, settledAt: 1, name: 'constructor', error: { name: '__proto__', message: 'then' } },
      ],
      runs: [{ id: 1, kind: '__proto__', name: 'then' }],
      notes: [{ at: 0, kind: '__proto__', text: 'x', data: JSON.parse('{"__proto__": 1}') as Record<string, number> }],
    })
    const { groups } = explain(decodeTrace(encodeTrace(trace)))
    expect(groups.map(({ label }) => label).sort()).toEqual(['__proto__', 'constructor'])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})

function isLength(bytes: Uint8Array, at: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let block = 8; block + 8 <= bytes.length; block += 8 + view.getUint32(block, true))
    if (at >= block && at < block + 8) return true
  return false
}

describe('saveTrace', () => {
  it('writes what readTrace reads', () => {
    const path = join(folder, 'saved.heddle')
    saveTrace(sample(), path)
    expect(plain(readTrace(path))).toEqual(plain(sample()))
    expect(readFileSync(path).subarray(0, 6).toString()).toBe('heddle')
    expect(() => readTrace(join(folder, 'none.heddle'))).toThrow(/there is no such file/)
    expect(() => readTrace(folder)).toThrow(/it is a folder/)
  })
})
