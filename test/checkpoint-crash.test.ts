/**
 * A map with a checkpoint, on a disk in memory that crashes at every call, loses and reorders what was not synced, and fails in every way
 * that disks fail. What a life of the program has acknowledged must hold in all lives after it.
 */
import { describe, expect, test } from 'vitest'
import { JournalFailed } from '../src/base/errors.ts'
import { type Call, type CallKind, Crash, Disk, type Fault, livingProcess } from '../src/checkpoint/disk.fixture.ts'
import { Journal } from '../src/checkpoint/journal.ts'
import { Reader } from '../src/checkpoint/reader.ts'
import { map } from '../src/run/map.ts'
import { type Random, randomFrom } from './support/random.ts'
import { simulate } from './support/checkpoint-simulation.ts'
import { runs } from './support/runs.ts'

const path = '/run.jsonl'
const items = Array.from({ length: 12 }, (_, i) => i)
const concurrency = 3
const valueOf = (item: number): object => ({ item, text: 'päge '.repeat(item) })

type Durability = 'fsync' | 'flush'

interface Life {
  /** How often each item was worked on. */
  readonly runs: readonly number[]
  readonly results: readonly unknown[] | undefined
  readonly error: unknown
}

let pid = 0

async function live(disk: Disk, durability: Durability): Promise<Life> {
  const runs = items.map(() => 0)
  const processes = livingProcess(++pid)
  const work = async (item: number): Promise<object> => {
    runs[item] = (runs[item] ?? 0) + 1
    for (let turns = (item * 7) % 5; turns > 0; turns--) await undefined
    return valueOf(item)
  }
  try {
    const checkpoint = { path, durability, fs: disk, processes }
    return { runs, results: await map(items, work, { checkpoint, concurrency, key: String }), error: undefined }
  } catch (error) {
    return { runs, results: undefined, error }
  }
}

/** Keys of the records that the next life will find. */
function recorded(disk: Disk): Set<string> {
  const bytes = disk.contents(path)
  if (!bytes || bytes.length === 0) return new Set()
  const reader = new Reader()
  reader.push(bytes)
  const contents = reader.finish()
  if ('refused' in contents) throw new Error(contents.refused)
  return new Set([...contents.records.keys()].map((key) => JSON.parse(key) as string))
}

function wholeBytes(file: Buffer): number {
  const reader = new Reader()
  reader.push(file)
  const contents = reader.finish()
  return 'refused' in contents ? -1 : contents.end
}

/** After a crash the next life must end well, run nothing again that is recorded, and of the rest at most what was under way. */
async function checkResumed(disk: Disk, first: Life, durability: Durability, what: string): Promise<void> {
  const known = recorded(disk)
  const second = await live(disk, durability)
  if (second.error !== undefined) throw new Error(`${what}: ${String(second.error)}`, { cause: second.error })
  expect(second.results).toEqual(items.map(valueOf))
  const again = items.filter((item) => (second.runs[item] ?? 0) > 0 && known.has(String(item)))
  expect({ what, again }).toEqual({ what, again: [] })
  const twice = items.filter((item) => (first.runs[item] ?? 0) > 0 && (second.runs[item] ?? 0) > 0)
  expect({ what, twice: twice.length > concurrency }).toEqual({ what, twice: false })
  const file = disk.contents(path) as Buffer
  expect({ what, torn: file.length - wholeBytes(file) }).toEqual({ what, torn: 0 })
  const third = await live(disk, durability)
  expect({ what, runs: third.runs }).toEqual({ what, runs: items.map(() => 0) })
  expect(third.results).toEqual(items.map(valueOf))
}

async function callsOfCleanLife(durability: Durability): Promise<readonly Call[]> {
  const disk = new Disk()
  const { results } = await live(disk, durability)
  expect(results).toEqual(items.map(valueOf))
  expect(disk.paths).toEqual([path])
  return disk.calls
}

const at =
  (number: number, fault: Fault) =>
  (call: Call): Fault =>
    call.number === number ? fault : undefined

async function crashAt(number: number, crash: 'before' | 'after' | number, machine: Random | undefined, durability: Durability) {
  const disk = new Disk()
  disk.fault = at(number, { crash })
  const first = await live(disk, durability)
  // The last call is the removal of the lock's draft, whose failure is nobody's concern.
  expect(disk.crashed).toBe(true)
  disk.restart(machine ?? randomFrom(0), machine !== undefined)
  const call = disk.calls[number] as Call
  await checkResumed(disk, first, durability, `crash ${crash} call ${number} (${call.kind} ${call.path})`)
}

describe('a crash', () => {
  test.each(['fsync', 'flush'] as const)('of the process at every call, with %s', async (durability) => {
    const calls = await callsOfCleanLife(durability)
    expect(calls.length).toBeGreaterThanOrEqual(20)
    for (const { number } of calls) {
      await crashAt(number, 'before', undefined, durability)
      await crashAt(number, 'after', undefined, durability)
    }
  })

  test('of the machine at every call, with unsynced sectors dropped and reordered', async () => {
    const calls = await callsOfCleanLife('fsync')
    expect(calls.length).toBeGreaterThanOrEqual(20)
    for (const { number } of calls) {
      for (let seed = 0; seed < runs(4, 12); seed++) {
        await crashAt(number, seed % 2 === 0 ? 'before' : 'after', randomFrom(number * 1_000 + seed), 'fsync')
      }
    }
  })

  test.each([false, true])('at every byte of the last record (of the machine: %s)', async (machine) => {
    const writes = (await callsOfCleanLife('fsync')).filter(({ kind, path: at }) => kind === 'write' && at === path)
    const last = writes.at(-1) as Call
    expect(last.bytes).toBeGreaterThan(50)
    for (let bytes = 0; bytes <= last.bytes; bytes++) {
      await crashAt(last.number, bytes, machine ? randomFrom(bytes) : undefined, 'fsync')
    }
  })

  test('during the recovery from a crash', async () => {
    const write = (await callsOfCleanLife('fsync')).findLast(({ kind, path: at }) => kind === 'write' && at === path) as Call
    const torn = async (): Promise<{ disk: Disk; first: Life }> => {
      const disk = new Disk()
      disk.fault = at(write.number, { crash: write.bytes - 1 })
      const first = await live(disk, 'fsync')
      disk.restart(randomFrom(0), false)
      return { disk, first }
    }
    const { disk: calm } = await torn()
    const begun = calm.calls.length
    await live(calm, 'fsync')
    for (let number = begun; number < calm.calls.length; number++) {
      const { disk, first } = await torn()
      disk.fault = at(number, { crash: 'after' })
      const second = await live(disk, 'fsync')
      disk.restart(randomFrom(number), true)
      // Two crashes: what either had under way may be run again.
      const known = recorded(disk)
      const third = await live(disk, 'fsync')
      expect(third.results).toEqual(items.map(valueOf))
      expect(items.filter((item) => (third.runs[item] ?? 0) > 0 && known.has(String(item)))).toEqual([])
      const again = items.filter((item) => first.runs[item] && third.runs[item])
      expect(again.length + second.runs.filter((n) => n > 0).length).toBeLessThanOrEqual(2 * concurrency)
    }
  })
})

describe('a disk that fails', () => {
  const codes = ['ENOSPC', 'EIO', 'EMFILE'] as const

  /** Steps that were acknowledged, when a call failed so; and whether any was after the failure of a write or sync. */
  async function steps(
    number: number,
    code: string,
    disk = new Disk(),
  ): Promise<{ acknowledged: string[]; late: string[]; disk: Disk; errors: unknown[] }> {
    let broken = false
    const breaking: readonly CallKind[] = ['write', 'sync']
    disk.fault = (call) => {
      if (call.number !== number) return undefined
      broken = breaking.includes(call.kind) && call.path === path
      return { error: code }
    }
    const [acknowledged, late, errors]: [string[], string[], unknown[]] = [[], [], []]
    try {
      const journal = await Journal.open(path, { program: 'p', fs: disk, processes: livingProcess(++pid) }, false)
      const lane = async (from: number): Promise<void> => {
        for (let i = from; i < 12; i += 3) {
          try {
            await journal.at('s').step(String(i), () => i)
            acknowledged.push(String(i))
            if (broken) late.push(String(i))
          } catch (error) {
            errors.push(error)
          }
        }
      }
      await Promise.all([lane(0), lane(1), lane(2)])
      await journal.close()
    } catch (error) {
      errors.push(error)
    }
    return { acknowledged, late, disk, errors }
  }

  test.each(codes)('with %s at every call: nothing is acknowledged that is not there', async (code) => {
    const calls = (await steps(-1, code)).disk.calls.length
    expect(calls).toBeGreaterThanOrEqual(20)
    for (let number = 0; number < calls; number++) {
      const { acknowledged, late, disk, errors } = await steps(number, code)
      const { kind, path: where } = disk.calls[number] as Call
      const what = `${code} at call ${number} (${kind} ${where})`
      const others = errors.filter((error) => !(error instanceof JournalFailed))
      expect({ what, late, others }).toEqual({ what, late: [], others: [] })
      // The next life relies on what it reads, and crashes, too.
      const next = await steps(number, code)
      next.disk.restart(randomFrom(0), false)
      const second = await steps(-1, code, next.disk)
      expect({ what, errors: second.errors, steps: second.acknowledged.length }).toEqual({ what, errors: [], steps: 12 })
      for (const life of [{ acknowledged, disk }, second]) {
        life.disk.loseCache()
        const known = life.disk.contents(path) ? await knownSteps(life.disk) : new Set()
        expect({ what, lost: life.acknowledged.filter((key) => !known.has(key)) }).toEqual({ what, lost: [] })
      }
    }
  })

  async function knownSteps(disk: Disk): Promise<Set<string>> {
    const journal = await Journal.open(path, { program: 'p', fs: disk, processes: livingProcess(++pid) }, false)
    const known = new Set<string>()
    for (let i = 0; i < 12; i++) if (journal.at('s').has(String(i))) known.add(String(i))
    await journal.close()
    return known
  }

  test.each(codes)('with %s at every call of a map: it rejects, and goes on when the disk is well', async (code) => {
    const calls = await callsOfCleanLife('fsync')
    for (const { number, kind, path: where } of calls) {
      const disk = new Disk()
      disk.fault = at(number, { error: code })
      const first = await live(disk, 'fsync')
      const isDraft = kind === 'remove' && where.includes('.lock-')
      const what = `${code} at call ${number} (${kind} ${where})`
      expect({ what, failed: first.error instanceof JournalFailed }).toEqual({ what, failed: !isDraft })
      disk.restart(randomFrom(0), false)
      await checkResumed(disk, first, 'fsync', what)
    }
  })

  test('and takes only some bytes of each write', async () => {
    const disk = new Disk()
    disk.fault = () => ({ short: 11 })
    const { results } = await live(disk, 'fsync')
    expect(results).toEqual(items.map(valueOf))
    await checkResumed(disk, { runs: items.map(() => 0), results, error: undefined }, 'fsync', 'short writes')
  })
})

describe('simulation', () => {
  test('many seeds', async () => {
    const seeds = runs(25, 2_000)
    let stories = 0
    for (let seed = 0; seed < seeds; seed++) if ((await simulate(seed)).length > 0) stories++
    expect(stories).toBe(seeds)
  })

  test('same seed, same trace', async () => {
    for (let seed = 0; seed < runs(3, 100); seed++) expect(await simulate(seed)).toEqual(await simulate(seed))
  })
})

test('the disk is a disk', async () => {
  const disk = new Disk()
  disk.fault = at(1, { crash: 'before' })
  const file = await disk.open('/a', 'create')
  await expect(file.write(Buffer.from('x'), 0)).rejects.toBeInstanceOf(Crash)
  await expect(disk.open('/a', 'write')).rejects.toBeInstanceOf(Crash)
  disk.restart(randomFrom(1), false)
  const again = await disk.open('/a', 'write')
  await again.write(Buffer.from('x'), 3)
  expect(disk.contents('/a')).toEqual(Buffer.from('\0\0\0x'))
  disk.loseCache()
  expect(disk.contents('/a')).toBeUndefined()
})
