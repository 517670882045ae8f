import * as fc from 'fast-check'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { makeTraceOf, type TaskSpec } from '../../../test/support/traces.ts'
import { closeRun, newTask, openRun, taskSettled, taskStarted } from '../../base/observer.ts'
import { InvalidTrace } from '../../base/errors.ts'
import { all } from '../../run/all.ts'
import { map } from '../../run/map.ts'
import { decodeTrace, TraceDecoder } from './decode.ts'
import { encodeTrace, TraceEncoder } from './encode.ts'
import { explain } from '../verdict/explain.ts'
import { readTrace, saveTrace } from './file.ts'
import { TraceFile } from '../record/trace-file.ts'
import { blockTypes } from './format.ts'
import { schemas, type Trace, tableNames, taskError } from '../model/trace.ts'
import { joined } from './joined.ts'
import { Recorder } from '../record/recorder.ts'
import { TraceStream } from '../record/trace-stream.ts'
import { runs } from '../../../test/support/runs.ts'

/** Traces with bytes changed that are tried. */
const changes = runs(100, 2_000)

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
  test('is the same trace', () => {
    fc.assert(
      fc.property(fc.array(task, { maxLength: 30 }), (tasks) => {
        const trace = makeTraceOf({ tasks })
        expect(plain(decodeTrace(encodeTrace(trace)))).toEqual(plain(trace))
      }),
      { numRuns: runs(60, 200) },
    )
  })

  test('may arrive in pieces of any size', () => {
    const bytes = encodeTrace(sample())
    for (const size of [1, 3, 7, 64, 1_000]) {
      const decoder = new TraceDecoder()
      for (let at = 0; at < bytes.length; at += size) decoder.push(bytes.subarray(at, at + size))
      expect(plain(decoder.trace())).toEqual(plain(sample()))
    }
  })
})

describe('a file written while running', () => {
  test('has everything when it was closed, also what settled between two writes', () => {
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

  test('is readable when the program dies between two writes, with the tasks under way', () => {
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

  test('is readable wherever the last write was cut off', () => {
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

describe('a recording that is streamed', () => {
  /** Runs a program while a live recording is sent at odd moments; gives the blocks and what the recorder has in the end. */
  async function streamed(program: (flush: () => void) => Promise<unknown>) {
    const recorder = new Recorder({ name: 'streamed', live: true })
    const pieces: Uint8Array[] = []
    const stream = new TraceStream(recorder, [(blocks) => pieces.push(...blocks)])
    await program(() => stream.flush())
    const trace = recorder.end()
    stream.close()
    return { trace, bytes: joined(pieces) }
  }

  test.each([1, 3, 7, 64, 200])(
    'has every task once and as it was, whatever came between: every %i. task is another kind',
    async (every) => {
      const { trace, bytes } = await streamed(async (flush) => {
        const items = Array.from({ length: 1_500 }, (_, i) => i)
        await map(
          items,
          async function outer(i) {
            if (i % 97 === 0) flush()
            if (i % every === 1) throw new Error('one of some')
            if (i % (5 * every) === 2) await map([1, 2], async (x) => x)
            if (i % (7 * every) === 3) await all({ named: async () => i, other: async () => i })
            if (i % (11 * every) === 4) await new Promise(setImmediate)
          },
          { concurrency: 1 + every, onFailure: 'settle' },
        )
        flush()
        flush()
      })
      expect(trace.tasks.count).toBeGreaterThanOrEqual(1_500)
      const read = decodeTrace(bytes)
      expect(read.meta).toEqual(trace.meta)
      expect(read.tasks.id).toEqual(trace.tasks.id)
      // A row takes 77 bytes; most tasks are packed where most are of one kind.
      expect(tableBytes(bytes) / trace.tasks.count).toBeLessThan(every < 60 ? 85 : 20)
      for (const name of Object.keys(schemas.tasks) as (keyof typeof schemas.tasks)[])
        expect(read.tasks[name]).toEqual(trace.tasks[name])
      expect(plain(read)).toEqual(plain(trace))
    },
  )

  test('is the same when somebody has looked at it meanwhile', async () => {
    const recorder = new Recorder({ name: 'looked at', live: true })
    const pieces: Uint8Array[] = []
    const stream = new TraceStream(recorder, [(blocks) => pieces.push(...blocks)])
    const counts: number[] = []
    await map(
      Array.from({ length: 1_000 }, (_, i) => i),
      async (i) => {
        if (i % 30 === 7) stream.flush()
        if (i % 70 === 9) counts.push(recorder.snapshot().tasks.count)
      },
      { concurrency: 5 },
    )
    const trace = recorder.end()
    stream.close()
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
    expect(plain(decodeTrace(joined(pieces)))).toEqual(plain(trace))
  })

  test('is the same of snapshots, which look at it', async () => {
    const recorder = new Recorder({ name: 'snapshots', live: true })
    const encoder = new TraceEncoder()
    const pieces = encoder.begin(recorder.meta())
    const items = Array.from({ length: 1_000 }, (_, i) => i)
    await map(items, async (i) => i % 99 === 0 && pieces.push(...encoder.next(recorder.snapshot(), recorder.changes())))
    const trace = recorder.end()
    pieces.push(...encoder.end(recorder.snapshot(), recorder.changes()))
    expect(plain(decodeTrace(joined(pieces)))).toEqual(plain(trace))
    expect(trace.tasks.count).toBe(1_000)
  })

  test('takes four bytes for a task of which there is nothing to tell but its times', async () => {
    const { bytes, trace } = await streamed(() =>
      map(
        Array.from({ length: 50_000 }, (_, i) => i),
        async (x) => x,
        { concurrency: 16 },
      ),
    )
    expect(trace.tasks.count).toBe(50_000)
    expect(bytes.length / 50_000).toBeLessThan(4.5)
  })

  test('is refused or harmless for any bytes behind right checksums', async () => {
    const { bytes: good } = await streamed(async (flush) => {
      for (const n of [3, 40]) {
        await map(
          Array.from({ length: n }, (_, i) => i),
          async (i) => i % 3 === 0 && new Promise(setImmediate),
          { concurrency: 3 },
        )
        flush()
      }
    })
    await expect(refusedOrHarmless(good)).resolves.toBe(changes)
  })

  test.each<[string, (view: DataView, at: number) => void, RegExp]>([
    ['more stretches than it has', (view, at) => view.setUint32(at + 13, 4e9, true), /a block is too short/],
    ['fewer tasks than it tells of', (view, at) => view.setUint32(at + 33, 11, true), /tasks that it announces are missing/],
    ['more tasks than it tells of', (view, at) => view.setUint32(at + 33, 9, true), /a task has no run/],
    ['a batch too large', (view, at) => view.setUint16(at + 57, 0x7fff, true), /batch of tasks is too large/],
    [
      'a task that begins at the end of none',
      (view, at) => view.setUint8(at + 58, 128 + 5),
      /begins at the end of a missing task/,
    ],
    ['needs that it does not have', (view, at) => view.setUint32(at + 9, 1, true), /need tasks that are missing/],
    ['a clock without a time', (view, at) => view.setFloat64(at + 1, Number.NaN, true), /a time is not a number from 0 up/],
  ])('is refused with %s', async (_what, damage, message) => {
    const { bytes } = await streamed((flush) =>
      map(
        Array.from({ length: 10 }, (_, i) => i),
        async () => {},
        { concurrency: 10 },
      ).then(flush),
    )
    const view = new DataView(bytes.buffer)
    const block = blocksOf(bytes).find((at) => bytes[at + 8] === blockTypes.plain) as number
    expect(view.getUint32(block + 8 + 33, true)).toBe(10)
    damage(view, block + 8)
    const sealed = await resealed(bytes)
    expect(() => decodeTrace(sealed)).toThrow(message)
  })
})

describe('a file that is not a trace', () => {
  test.each([
    ['empty', Buffer.from('')],
    ['text', Buffer.from('hello, this is not a trace at all')],
    ['JSON', Buffer.from('{"__proto__": {"polluted": true}}')],
    ['half a magic', Buffer.from('hedd')],
    ['a newer format', Buffer.concat([Buffer.from('heddle\0'), Buffer.from([3])])],
    ['an older one than there is', Buffer.concat([Buffer.from('heddle\0'), Buffer.from([0])])],
    ['nothing after the magic', Buffer.concat([Buffer.from('heddle\0'), Buffer.from([1])])],
  ])('is refused in one sentence: %s', (_what, bytes) => {
    expect(() => decodeTrace(bytes)).toThrow(InvalidTrace)
  })

  test('is refused when a block in the middle is damaged, and says where', () => {
    const bytes = encodeTrace(sample())
    bytes[200] = (bytes[200] ?? 0) ^ 1
    expect(() => decodeTrace(bytes)).toThrow(/damaged at byte \d+/)
  })

  test('is refused or harmless for any bytes behind right checksums', async () => {
    await expect(refusedOrHarmless(encodeTrace(sample()))).resolves.toBe(changes)
  })

  test('is read in the formats before, which had no tasks packed together and no times of processors', () => {
    const bytes = encodeTrace(sample())
    expect(bytes[7]).toBe(4)
    for (const version of [1, 2, 3]) {
      bytes[7] = version
      expect(plain(decodeTrace(bytes))).toEqual(plain(sample()))
    }
    bytes[7] = 5
    expect(() => decodeTrace(bytes)).toThrow('The trace has format 5; this version of heddle reads formats 1 to 4')
  })

  test('cannot reach the prototypes', () => {
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

/** @returns how many changed traces were tried */
async function refusedOrHarmless(good: Uint8Array): Promise<number> {
  let tried = 0
  const lengths = new Set(blocksOf(good).flatMap((at) => Array.from({ length: 8 }, (_, i) => at + i)))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(good.length - 17), fc.nat(255)), { minLength: 1, maxLength: 20 }),
      async (changes) => {
        const bytes = Uint8Array.from(good)
        // Lengths stay, so that the checksums can be set right; everything else may change.
        for (const [at, byte] of changes) if (!lengths.has(at + 16)) bytes[at + 16] = byte
        const sealed = await resealed(bytes)
        const explained = refusedOr(() => explain(decodeTrace(sealed)))
        expect(Number.isFinite(explained?.speedup ?? 0)).toBe(true)
        tried++
      },
    ),
    { numRuns: changes },
  )
  return tried
}

/** Of the blocks with tasks in them. */
function tableBytes(bytes: Uint8Array): number {
  const blocks = blocksOf(bytes)
  const sizes = blocks.map((at, i) => (blocks[i + 1] ?? bytes.length) - at)
  return sizes.reduce((sum, size, i) => {
    const [type, table] = [bytes[(blocks[i] as number) + 8], bytes[(blocks[i] as number) + 9]]
    const tasks = type === blockTypes.plain || (type === blockTypes.rows && table === tableNames.indexOf('tasks'))
    return sum + (tasks ? size : 0)
  }, 0)
}

/** Where its blocks begin. */
function blocksOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const list: number[] = []
  for (let block = 8; block + 8 <= bytes.length; block += 8 + view.getUint32(block, true)) list.push(block)
  return list
}

describe('saveTrace', () => {
  test('writes what readTrace reads', () => {
    const path = join(folder, 'saved.heddle')
    saveTrace(sample(), path)
    expect(plain(readTrace(path))).toEqual(plain(sample()))
    expect(readFileSync(path).subarray(0, 6).toString()).toBe('heddle')
    expect(() => readTrace(join(folder, 'none.heddle'))).toThrow(/there is no such file/)
    expect(() => readTrace(folder)).toThrow(/it is a folder/)
  })
})
