import { expect, test } from 'vitest'
import { JournalRefused } from '../base/errors.ts'
import { randomFrom } from '../../test/support/random.ts'
import { Disk } from './disk.fixture.ts'
import type { JournalFileSystem } from './file-system.ts'
import { lockJournal, type Owner, type Processes, realProcesses } from './lock.ts'
import { runs } from '../../test/support/runs.ts'

const path = '/run.jsonl'
const ownerOf = (pid: number, host = 'here'): Owner => ({ pid, host, started: `${pid}` })

function processOf(pid: number, living: ReadonlySet<number>): Processes {
  let ids = 0
  return { self: ownerOf(pid), alive: (owner) => living.has(owner.pid), newId: () => `${pid}x${++ids}` }
}

/** The same disk, whose every call is held up for some turns: so several processes meet in every order. */
function slowed(disk: Disk, next: () => number): JournalFileSystem {
  const later = async <T>(call: () => Promise<T>): Promise<T> => {
    for (let turns = next(); turns > 0; turns--) await undefined
    return call()
  }
  return {
    realPath: (name) => disk.realPath(name),
    open: (name, how) => later(() => disk.open(name, how)),
    read: (name) => disk.read(name),
    rename: (from, to) => later(() => disk.rename(from, to)),
    link: (from, to) => later(() => disk.link(from, to)),
    remove: (name) => later(() => disk.remove(name)),
    syncDirectoryOf: (name) => disk.syncDirectoryOf(name),
  }
}

test('of several that meet a stale lock, or the stale claim of one that died taking it over, one at most gets it, in any order', async () => {
  const orders = runs(600, 3_000)
  let held = 0
  for (let seed = 0; seed < orders; seed++) {
    const random = randomFrom(seed)
    const disk = new Disk()
    const write = (name: string, pid: number): void =>
      disk.put(name, Buffer.from(JSON.stringify({ ...ownerOf(pid), id: `old${pid}` })))
    write(`${path}.lock`, 90)
    if (seed % 3 === 0) write(`${path}.lock.claim-old90`, 91)
    const fs = slowed(disk, () => random.below(12))
    const living = new Set([1, 2, 3])
    const outcomes = await Promise.allSettled([1, 2, 3].map((pid) => lockJournal(path, fs, processOf(pid, living))))
    const got = outcomes.filter(({ status }) => status === 'fulfilled').length
    expect({ seed, several: got > 1 }).toEqual({ seed, several: false })
    held += got
    for (const outcome of outcomes)
      if (outcome.status === 'rejected' && !(outcome.reason instanceof JournalRefused)) throw outcome.reason
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') await outcome.value()
    expect(disk.paths.filter((name) => !name.includes('claim-old90'))).toEqual([])
  }
  // Those who meet the claim of a living one give way, so that at times nobody gets it, and the next attempt does.
  expect(held).toBeGreaterThan((orders * 2) / 3)
})

test('a lock is refused while its owner lives, on another machine, and taken over when it cannot be read', async () => {
  const disk = new Disk()
  const living = new Set([1, 2])
  const release = await lockJournal(path, disk, processOf(1, living))
  await expect(lockJournal(path, disk, processOf(2, living))).rejects.toThrow('is being written by process 1 on here')
  await expect(lockJournal(path, disk, processOf(1, living))).rejects.toThrow('is being written by this very process')
  await release()
  disk.put(`${path}.lock`, Buffer.from(JSON.stringify({ ...ownerOf(90, 'there'), id: 'x' })))
  await expect(lockJournal(path, disk, processOf(2, living))).rejects.toMatchObject({
    message: expect.stringContaining('process 90 on there'),
    hint: expect.stringContaining('delete "/run.jsonl.lock"'),
  })
  for (const content of ['', '{"pid":', 'null', '{"pid":1,"host":"here","id":"../../etc"}']) {
    disk.put(`${path}.lock`, Buffer.from(content))
    await (
      await lockJournal(path, disk, processOf(2, living))
    )()
  }
  expect(disk.paths).toEqual([])
})

test('a lock that was deleted by hand, and is another’s by now, is not taken from it', async () => {
  const disk = new Disk()
  const living = new Set([1, 2])
  const release = await lockJournal(path, disk, processOf(1, living))
  await disk.remove(`${path}.lock`)
  const other = await lockJournal(path, disk, processOf(2, living))
  await release()
  expect(disk.paths).toEqual([`${path}.lock`])
  await other()
  expect(disk.paths).toEqual([])
})

test('knows which processes of this machine live', () => {
  const { self, alive } = realProcesses
  expect(alive(self)).toBe(true)
  // The highest number that Linux gives is 4,194,304.
  expect(alive({ ...self, pid: 4_194_305 })).toBe(false)
})

test.runIf(process.platform === 'linux')('tells a process from an older one that had its number', () => {
  const { self, alive } = realProcesses
  expect(alive({ ...self, started: '1' })).toBe(false)
})
