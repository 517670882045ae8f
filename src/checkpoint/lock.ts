/**
 * One writer at a time: a lock file beside the journal says who holds it. It is stale when that process is gone from this machine;
 * then it is taken over. A lock from another machine is never judged, because this machine cannot know whether that process lives: the
 * error says which file to delete.
 *
 * Taking over is itself done under a lock, named after the stale one: else the second of two that have seen it would
 * replace not the stale lock, but that of the first. Invariant: only who holds `X.claim-ID` replaces a lock with that id.
 */
import { lazily } from '../base/builtin.js'
import { JournalRefused } from '../base/errors.ts'
import { hasCode, type JournalFileSystem, nodeFileSystem, readFile, writeFile } from './file-system.ts'

const crypto = lazily('node:crypto')
const fs = lazily('node:fs')
const os = lazily('node:os')

export interface Owner {
  readonly pid: number
  readonly host: string
  /** When the process started, where the system says; distinguishes a process from an older one with the same number. */
  readonly started: string
}

/** The process that asks, and which processes are alive; passed in for tests. */
export interface Processes {
  readonly self: Owner
  alive(owner: Owner): boolean
  /** A text that no other lock has, of letters and digits. */
  newId(): string
}

let self: Owner | undefined

export const realProcesses: Processes = {
  get self() {
    return (self ??= { pid: process.pid, host: os().hostname(), started: startedAt(process.pid) })
  },
  alive({ pid, started }) {
    try {
      process.kill(pid, 0)
    } catch (error) {
      // EPERM: it lives, and belongs to somebody else.
      if (!hasCode(error, 'EPERM')) return false
    }
    return startedAt(pid) === started
  },
  newId: () => crypto().randomUUID().slice(0, 8),
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold anything but ends with the last parenthesis. */
function startedAt(pid: number): string {
  try {
    const stat = fs().readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

/** The contents of a lock file. */
interface Lock extends Owner {
  readonly id: string
}

interface Asked {
  readonly id: string
  /** A file that says who asks. */
  readonly draft: string
  readonly journal: string
  readonly fs: JournalFileSystem
  readonly processes: Processes
}

/** Gives the function that releases the lock. @throws {JournalRefused} while another writer holds it */
export async function lockJournal(path: string, fs: JournalFileSystem, processes: Processes): Promise<() => Promise<void>> {
  const id = processes.newId()
  const draft = `${path}.lock-${id}`
  const content = JSON.stringify({ ...processes.self, id } satisfies Lock)
  try {
    await writeFile(fs, draft, new TextEncoder().encode(content), { sync: false })
    return await acquire(`${path}.lock`, { id, draft, journal: path, fs, processes })
  } finally {
    // By now it is the lock, under another name, or nothing.
    await fs.remove(draft).catch(() => {})
  }
}

/** Under its name a lock is complete from the first moment on: it is written elsewhere, then linked. */
async function acquire(lock: string, asked: Asked): Promise<() => Promise<void>> {
  const { id, draft, journal, fs, processes } = asked
  for (;;) {
    try {
      await fs.link(draft, lock)
      return async () => {
        // Somebody may have deleted it by hand, and then it may be another's by now.
        if (await holds(lock, id, fs)) await fs.remove(lock)
      }
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
    const owner = await ownerOf(lock, fs)
    if (owner === undefined) continue
    // Unreadable: a machine went down before the lock reached its disk.
    const stale = owner === 'unreadable' || (owner.host === processes.self.host && !processes.alive(owner))
    if (!stale) throw inUse(journal, lock, owner, processes.self)
    const claimed = idOf(owner)
    const release = await acquire(`${lock}.claim-${claimed}`, asked)
    try {
      if (await holds(lock, claimed, fs)) await fs.remove(lock)
    } finally {
      await release()
    }
  }
}

async function holds(lock: string, id: string, fs: JournalFileSystem): Promise<boolean> {
  const owner = await ownerOf(lock, fs)
  return owner !== undefined && idOf(owner) === id
}

function idOf(owner: Lock | 'unreadable'): string {
  return owner === 'unreadable' ? owner : owner.id
}

/** Undefined when the lock is gone. */
async function ownerOf(lock: string, fs: JournalFileSystem): Promise<Lock | 'unreadable' | undefined> {
  try {
    const owner = JSON.parse(await readFile(fs, lock)) as Partial<Lock> | null
    if (typeof owner?.pid !== 'number' || typeof owner.host !== 'string' || !/^[\w-]+$/.test(owner.id ?? '')) return 'unreadable'
    return { pid: owner.pid, host: owner.host, started: String(owner.started ?? ''), id: String(owner.id) }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    if (error instanceof SyntaxError) return 'unreadable'
    throw error
  }
}

function inUse(journal: string, lock: string, { pid, host }: Owner, self: Owner): JournalRefused {
  const here = pid === self.pid && host === self.host
  const who = here ? 'this very process' : `process ${pid} on ${host}`
  return new JournalRefused(`The journal ${JSON.stringify(journal)} is being written by ${who}`, {
    hint: here
      ? 'Wait for the run that has it, or open it once with `openJournal` and give each run a part of it.'
      : `If no such process runs any more, delete ${JSON.stringify(lock)}.`,
  })
}

/** Gives up what is held. */
export type Hold = () => Promise<void>

/** The same lock beside any file of this machine, with its real processes. @throws {JournalRefused} while a living process holds it */
export function holdLock(path: string): Promise<Hold> {
  return lockJournal(path, nodeFileSystem, realProcesses)
}
