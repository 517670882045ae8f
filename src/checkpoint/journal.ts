/**
 * An append-only journal of finished steps: what a program reads after a crash to go on where it was.
 *
 * A journal is divided into named parts ({@link Steps}), one for each run that uses it, so that two runs never take each other's
 * steps for their own. The state by key is what was recorded when it was opened, and what has been since.
 */
import { Closed, describe, InvalidOption, JournalFailed, JournalRefused, toError } from '../base/errors.ts'
import { hasCode, type JournalFile, type JournalFileSystem, nodeFileSystem, writeAll, writeFile } from './file-system.ts'
import { encode, formatVersion, type Header, headerBody, recordBody } from './format.ts'
import { GroupCommit } from './group-commit.ts'
import { sorted, toJson } from './json.ts'
import { lockJournal, realProcesses } from './lock.ts'
import type { Codec, JournalOptions } from './options.ts'
import { type Contents, Reader } from './reader.ts'
import { RecordIndex } from './record-index.ts'
import { type Found, type StepStore, Steps } from './steps.ts'

/** An open journal of finished steps; {@link openJournal} opens one. */
export class Journal implements StepStore {
  /** Absolute, and with no link in it. */
  readonly path: string
  /** What was there when it was opened. */
  readonly found: Found
  readonly #file: JournalFile
  readonly #unlock: () => Promise<void>
  readonly #codec: Codec | undefined
  /** What was recorded when it was opened, and since, as far as that is kept. */
  readonly #found: RecordIndex
  readonly #since = new Map<string, string | undefined>()
  readonly #keeps: boolean
  readonly #commit: GroupCommit
  readonly #parts = new Map<string, Steps>()
  #closing: Promise<void> | undefined

  private constructor(place: Place, file: JournalFile, contents: Readable, options: JournalOptions, keeps: boolean) {
    this.path = place.path
    this.#unlock = place.unlock
    this.#file = file
    this.#codec = options.codec
    this.#found = contents.records
    this.#keeps = keeps
    this.found = { steps: contents.records.size, droppedBytes: contents.length - contents.end }
    const syncs = options.durability !== 'flush'
    this.#commit = new GroupCommit(contents.end, async (bytes, position) => {
      try {
        await writeAll(file, bytes, position)
        if (syncs) await file.sync()
      } catch (error) {
        throw failed(this.path, 'written', error)
      }
    })
  }

  /** @internal @param keeps whether what is recorded from now on can be asked for, too; costs the memory for it */
  static async open(given: string, options: JournalOptions, keeps: boolean): Promise<Journal> {
    const header = headerOf(options)
    const fs = options.fs ?? nodeFileSystem
    let path = given
    let unlock: (() => Promise<void>) | undefined
    let file: JournalFile | undefined
    try {
      path = await fs.realPath(given)
      const processes = options.processes ?? realProcesses
      unlock = await lockJournal(path, fs, processes)
      const contents = await readOrBegin(path, fs, header, processes.newId())
      if ('refused' in contents) throw refused(path, contents.refused, damageHint(path, contents.rightTo))
      checkHeader(path, contents.header, header)
      file = await fs.open(path, 'write')
      await recover(path, fs, file, contents, options.durability !== 'flush')
      return new Journal({ path, unlock }, file, contents, options, keeps)
    } catch (error) {
      await file?.close().catch(() => {})
      await unlock?.().catch(() => {})
      throw error instanceof JournalRefused ? error : failed(path, 'opened', error)
    }
  }

  /** The steps of one run, by a name that is its own. */
  at(name: string): Steps {
    if (typeof name !== 'string' || name === '')
      throw new InvalidOption(`Expected the name of a part of a journal to be text that is not empty, got ${describe(name)}`)
    return this.part([name])
  }

  /** @internal The same object for the same path. */
  part(path: readonly string[]): Steps {
    const name = JSON.stringify(path)
    let steps = this.#parts.get(name)
    if (!steps) this.#parts.set(name, (steps = new Steps(this, path)))
    return steps
  }

  /** @internal Whether the step is recorded. @param key as `keyText` gives it */
  has(key: string): boolean {
    return this.#since.has(key) || this.#found.has(key)
  }

  /** @internal Whether no step at all is recorded, so that keys need not be asked for. */
  get empty(): boolean {
    return this.#since.size === 0 && this.#found.size === 0
  }

  /** @internal What a recorded step gave, a fresh copy each time. @param name what messages call the step */
  value(key: string, name: string): unknown {
    const json = this.#since.has(key) ? this.#since.get(key) : this.#found.get(key)
    if (json === undefined) return this.#decode(undefined)
    const text = typeof json === 'string' ? json : Buffer.from(json.buffer, json.byteOffset, json.length).toString('utf8')
    try {
      return this.#decode(JSON.parse(text))
    } catch (error) {
      throw new JournalRefused(
        `The journal ${JSON.stringify(this.path)} has a value for ${name} that cannot be read: ${toError(error).message}`,
        { cause: error, hint: this.#codec && 'When the codec has changed, raise `version`.' },
      )
    }
  }

  /**
   * @internal Records what a step gave. `durable` resolves when it may be relied on; `value` is what it will be read as.
   * @param name what messages call the step
   * @throws {Unserializable} when JSON cannot hold the value; names its path @throws {Closed}
   */
  record(key: string, value: unknown, name: () => string): { readonly value: unknown; readonly durable: Promise<void> } {
    if (this.#closing) throw new Closed(`The journal ${JSON.stringify(this.path)} is closed`)
    const stored = this.#codec ? this.#codec.encode(value) : value
    const json = stored === undefined ? undefined : toJson(stored, () => `the value of ${name()}`)
    const durable = this.#commit.add((batch) => recordBody(batch, key, json?.text))
    return {
      // This run goes on with the same value as the next one.
      value: this.#codec || json?.exact === false ? this.#decode(json && JSON.parse(json.text)) : value,
      durable: this.#keeps ? durable.then(() => void this.#since.set(key, json?.text)) : durable,
    }
  }

  #decode(stored: unknown): unknown {
    return this.#codec ? this.#codec.decode(stored) : stored
  }

  /** Waits until everything recorded is durable, and lets others open the journal. Safe to call twice. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    await this.#commit.idle()
    try {
      try {
        await this.#file.close()
      } finally {
        await this.#unlock()
      }
    } catch (error) {
      throw failed(this.path, 'closed', error)
    }
  }
}

interface Place {
  readonly path: string
  readonly unlock: () => Promise<void>
}

type Readable = Extract<Contents, { readonly header: Header }>

function headerOf({ program, version = '1', options = {} }: JournalOptions): Header {
  const plain: unknown = JSON.parse(toJson(options, () => 'options').text)
  return { journal: 'heddle', format: formatVersion, program, version: String(version), options: sorted(plain) }
}

/** A new journal appears under its name with its header complete, or not at all. */
async function readOrBegin(path: string, fs: JournalFileSystem, header: Header, id: string): Promise<Contents> {
  const reader = new Reader()
  let length = 0
  try {
    for await (const piece of fs.read(path)) {
      length += piece.length
      reader.push(piece)
    }
    // An empty file has nothing that could be lost: `mktemp` makes such.
    if (length > 0) return reader.finish()
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
  const bytes = encode([headerBody(header)])
  // Under a name that nobody can have foreseen, and made by this call: a link that somebody put there leads nowhere.
  const draft = `${path}.new-${id}`
  try {
    await writeFile(fs, draft, bytes, { sync: true })
    await fs.rename(draft, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) await fs.remove(draft).catch(() => {})
    throw error
  }
  await fs.syncDirectoryOf(path)
  const end = bytes.length
  return { header, records: new RecordIndex(), end, length: end, last: { start: end, bytes: new Uint8Array() } }
}

/**
 * Drops the torn tail, and makes durable what was read: the writer of the last batch may have died before its sync, or got an error from it, after
 * which the system takes the pages for written. So that batch is written once more before anybody relies on it.
 */
async function recover(
  path: string,
  fs: JournalFileSystem,
  file: JournalFile,
  { end, length, last }: Readable,
  syncs: boolean,
): Promise<void> {
  const torn = end < length
  if (torn) await file.truncate(end)
  if (syncs && last.bytes.length > 0) await writeAll(file, last.bytes, last.start)
  if (torn || syncs) await file.sync()
  if (syncs) await fs.syncDirectoryOf(path)
}

function checkHeader(path: string, found: Header, wanted: Header): void {
  if (found.format !== wanted.format)
    throw refused(path, `it has version ${describe(found.format)} of the format, and this is version ${wanted.format}`)
  const [theirs, ours] = [found, wanted].map(({ options }) => JSON.stringify(sorted(options)))
  const differs =
    found.program !== wanted.program
      ? `it was written by the program ${JSON.stringify(found.program)}, and this is ${JSON.stringify(wanted.program)}`
      : found.version !== wanted.version
        ? `it was written by version ${JSON.stringify(found.version)} of ${JSON.stringify(found.program)}, and this is version ${JSON.stringify(wanted.version)}`
        : theirs !== ours && `it was written with the options ${theirs}, and these are ${ours}`
  if (!differs) return
  throw refused(
    path,
    differs,
    'Nothing was changed. Give another path, or delete this journal if its results are not needed; when only a name has changed, pass the old one as `program`.',
  )
}

function refused(path: string, why: string, hint = 'Nothing was changed. Give another path.'): JournalRefused {
  return new JournalRefused(`The journal ${JSON.stringify(path)} is refused: ${why}`, { hint })
}

function damageHint(path: string, rightTo: number | undefined): string | undefined {
  if (rightTo === undefined) return undefined
  return `Nothing was changed. Give another path; or keep what stands before the damage, and run the rest again: truncate -s ${rightTo} ${JSON.stringify(path)}`
}

function failed(path: string, what: 'opened' | 'written' | 'closed', error: unknown): JournalFailed {
  const hints: Readonly<Record<string, string>> = {
    ENOENT: 'The folder must exist.',
    ENOSPC: 'What was recorded is safe. Free the disk, and run the program again: it goes on from there.',
  }
  const written = 'What was recorded is safe. Run the program again when the disk is well: it goes on from there.'
  const { code } = toError(error) as { readonly code?: string }
  return new JournalFailed(`The journal ${JSON.stringify(path)} could not be ${what}: ${toError(error).message}`, {
    cause: error,
    hint: (what === 'opened' || code === 'ENOSPC' ? hints[code ?? ''] : undefined) ?? (what === 'opened' ? undefined : written),
  })
}
