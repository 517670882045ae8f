/**
 * A disk in memory that can crash at every call. What was written stays in its cache until it is synced: a process that dies leaves the
 * cache, a machine that dies loses any of it, sector by sector, in any order. Names are cached too, and lost from the last one back.
 */
import type { Random } from '../../test/support/random.ts'
import type { JournalFile, JournalFileSystem } from './file-system.ts'
import type { Processes } from './lock.ts'

export type CallKind = 'open' | 'read' | 'write' | 'sync' | 'truncate' | 'close' | 'rename' | 'link' | 'remove' | 'syncDirectory'

export interface Call {
  /** From 0 up, over the whole life of the disk. */
  readonly number: number
  readonly kind: CallKind
  readonly path: string
  /** Of a write. */
  readonly bytes: number
}

/** What happens to a call instead: an error, a write that takes only some bytes, a crash before or after it, or in the middle of a write. */
export type Fault =
  | { readonly error: string }
  | { readonly short: number }
  | { readonly crash: 'before' | 'after' | number }
  | undefined

/** What every call throws from the crash on: nobody is there any more who could hear it. */
export class Crash extends Error {}

interface Change {
  readonly position: number
  /** Undefined: the file is cut at `position`. */
  readonly bytes: Uint8Array | undefined
  /** A sync of it failed: the system forgets that it has to be written, and says nothing the next time. */
  lost?: boolean
}

interface Inode {
  durable: Buffer
  cached: Change[]
}

type Rename = (names: Map<string, Inode>) => void

/** Small, so that every record lies across several. */
const sectorBytes = 16

export class Disk implements JournalFileSystem {
  /** Asked for each call. */
  fault: (call: Call) => Fault = () => undefined
  readonly calls: Call[] = []
  crashed = false
  #durableNames = new Map<string, Inode>()
  #names = new Map<string, Inode>()
  #renames: Rename[] = []

  /** The machine is on again, or another process begins. @param machine whether the cache was lost */
  restart(random: Random, machine: boolean): void {
    this.crashed = false
    this.fault = () => undefined
    if (!machine) return
    for (const rename of this.#renames.slice(0, random.below(this.#renames.length + 1))) rename(this.#durableNames)
    this.#renames = []
    this.#names = new Map(this.#durableNames)
    for (const inode of new Set(this.#names.values())) {
      const odds = random.pick([0, 0.5, 1])
      for (const change of inode.cached.filter(({ lost }) => !lost).flatMap(sectors))
        if (random.next() < odds) inode.durable = apply(inode.durable, change)
      inode.cached = []
    }
  }

  /** Everything unsynced is lost. */
  loseCache(): void {
    this.restart({ next: () => 1, below: () => 0, pick: (list) => list[0] as (typeof list)[number] }, true)
  }

  contents(path: string): Buffer | undefined {
    const inode = this.#names.get(path)
    return inode && inode.cached.reduce(apply, inode.durable)
  }

  put(path: string, bytes: Uint8Array): void {
    const inode = { durable: Buffer.from(bytes), cached: [] }
    this.#names.set(path, inode)
    this.#durableNames.set(path, inode)
  }

  get paths(): readonly string[] {
    return [...this.#names.keys()].sort()
  }

  realPath(path: string): Promise<string> {
    return Promise.resolve(path)
  }

  open(path: string, how: 'create' | 'write'): Promise<JournalFile> {
    return this.#call('open', path, 0, () => {
      const known = this.#names.get(path)
      if (how === 'create' && known) throw failure('EEXIST')
      if (how === 'write' && !known) throw failure('ENOENT')
      if (known) return new DiskFile(this, path, known)
      const inode: Inode = { durable: Buffer.alloc(0), cached: [] }
      this.#rename((names) => names.set(path, inode))
      return new DiskFile(this, path, inode)
    })
  }

  async *read(path: string): AsyncGenerator<Uint8Array> {
    const bytes = await this.#call('read', path, 0, () => this.contents(path))
    if (!bytes) throw failure('ENOENT')
    // Pieces that fit nothing.
    for (let at = 0; at < bytes.length; at += 37) yield bytes.subarray(at, at + 37)
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call('rename', to, 0, () => {
      const inode = this.#inode(from)
      this.#rename((names) => {
        names.delete(from)
        names.set(to, inode)
      })
    })
  }

  link(from: string, to: string): Promise<void> {
    return this.#call('link', to, 0, () => {
      const inode = this.#inode(from)
      if (this.#names.has(to)) throw failure('EEXIST')
      this.#rename((names) => names.set(to, inode))
    })
  }

  remove(path: string): Promise<void> {
    return this.#call('remove', path, 0, () => {
      this.#inode(path)
      this.#rename((names) => names.delete(path))
    })
  }

  syncDirectoryOf(path: string): Promise<void> {
    return this.#call('syncDirectory', path, 0, () => {
      for (const rename of this.#renames) rename(this.#durableNames)
      this.#renames = []
    })
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path)
    if (!inode) throw failure('ENOENT')
    return inode
  }

  #rename(rename: Rename): void {
    rename(this.#names)
    this.#renames.push(rename)
  }

  /** @internal For its files. Settles some turns later, as disks do. */
  async call<T>(kind: CallKind, path: string, bytes: number, act: (most: number) => T): Promise<T> {
    await undefined
    if (this.crashed) throw new Crash()
    const call: Call = { number: this.calls.length, kind, path, bytes }
    this.calls.push(call)
    const fault = this.fault(call)
    if (fault && 'error' in fault) throw failure(fault.error)
    if (fault && 'crash' in fault) {
      this.crashed = true
      if (fault.crash !== 'before') act(fault.crash === 'after' ? bytes : fault.crash)
      throw new Crash()
    }
    return act(fault ? Math.min(bytes, fault.short) : bytes)
  }

  #call<T>(kind: CallKind, path: string, bytes: number, act: (most: number) => T): Promise<T> {
    return this.call(kind, path, bytes, act)
  }
}

class DiskFile implements JournalFile {
  readonly #disk: Disk
  readonly #path: string
  readonly #inode: Inode

  constructor(disk: Disk, path: string, inode: Inode) {
    this.#disk = disk
    this.#path = path
    this.#inode = inode
  }

  write(bytes: Uint8Array, position: number): Promise<number> {
    return this.#disk.call('write', this.#path, bytes.length, (most) => {
      this.#inode.cached.push({ position, bytes: Uint8Array.from(bytes.subarray(0, most)) })
      return most
    })
  }

  async sync(): Promise<void> {
    const inode = this.#inode
    try {
      await this.#disk.call('sync', this.#path, 0, () => {
        inode.durable = inode.cached.filter(({ lost }) => !lost).reduce(apply, inode.durable)
        inode.cached = inode.cached.filter(({ lost }) => lost)
      })
    } catch (error) {
      // Not that the file was cut: that is in the journal of the file system.
      for (const change of inode.cached) if (change.bytes) change.lost = true
      throw error
    }
  }

  truncate(length: number): Promise<void> {
    return this.#disk.call('truncate', this.#path, 0, () => {
      this.#inode.cached.push({ position: length, bytes: undefined })
    })
  }

  close(): Promise<void> {
    return this.#disk.call('close', this.#path, 0, () => {})
  }
}

function apply(file: Buffer, { position, bytes }: Change): Buffer {
  if (!bytes) return file.subarray(0, position)
  const grown = Buffer.alloc(Math.max(file.length, position + bytes.length))
  grown.set(file)
  grown.set(bytes, position)
  return grown
}

function sectors(change: Change): Change[] {
  const { position, bytes } = change
  if (!bytes) return [change]
  const parts: Change[] = []
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + sectorBytes - ((position + at) % sectorBytes))
    parts.push({ position: position + at, bytes: bytes.subarray(at, end) })
    at = end
  }
  return parts
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: made to fail`), { code })
}

/** Processes of which one lives at a time: the one with that number. */
export function livingProcess(pid: number): Processes {
  let ids = 0
  return {
    self: { pid, host: 'here', started: `${pid}` },
    alive: (owner) => owner.pid === pid,
    newId: () => `${pid}x${++ids}`,
  }
}
