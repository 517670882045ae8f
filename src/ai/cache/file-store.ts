/**
 * Answers in a file, in the format of journals. It is bounded by having two generations: when the newer file is as large as half of the bound, it takes the place of the
 * older one, whose answers are forgotten.
 */
import { existsSync, renameSync, rmSync } from 'node:fs'
import type { Journal } from '../../checkpoint/index.ts'
import { asAnswer, type CachedAnswer, type CacheStore } from './cache-store.ts'

const program = 'responses'

export class FileStore implements CacheStore {
  readonly #path: string
  readonly #mostBytes: number
  #young: Journal
  #old: Journal | undefined
  #bytes: number
  #turning: Promise<void> | undefined

  private constructor(path: string, mostBytes: number, young: Journal, old: Journal | undefined, bytes: number) {
    this.#path = path
    this.#mostBytes = mostBytes
    this.#young = young
    this.#old = old
    this.#bytes = bytes
  }

  /** @throws {JournalRefused} for a file that is damaged, of another kind, or open in another program @throws {JournalFailed} */
  static async open(path: string, mostBytes: number): Promise<FileStore> {
    const young = await openJournal(path)
    const old = existsSync(olderThan(path)) ? await openJournal(olderThan(path)) : undefined
    const { statSync } = await import('node:fs')
    return new FileStore(path, mostBytes, young, old, statSync(path).size)
  }

  async get(key: string): Promise<CachedAnswer | undefined> {
    await this.#turning
    for (const journal of [this.#young, this.#old]) {
      const steps = journal?.part([])
      if (steps?.has(key)) return asAnswer(steps.value(key))
    }
    return undefined
  }

  async put(key: string, answer: CachedAnswer): Promise<void> {
    await this.#turning
    this.#bytes += key.length + answer.text.length + 100
    await this.#young.part([]).record(key, answer).durable
    if (this.#bytes > this.#mostBytes / 2) await (this.#turning ??= this.#turn())
  }

  /** A file belongs to one program, which knows its own calls. */
  async claim(): Promise<() => Promise<void>> {
    return async () => {}
  }

  async close(): Promise<void> {
    await this.#turning
    await this.#young.close()
    await this.#old?.close()
  }

  async #turn(): Promise<void> {
    await this.#young.close()
    await this.#old?.close()
    rmSync(olderThan(this.#path), { force: true })
    renameSync(this.#path, olderThan(this.#path))
    this.#old = await openJournal(olderThan(this.#path))
    this.#young = await openJournal(this.#path)
    this.#bytes = 0
    this.#turning = undefined
  }
}

function olderThan(path: string): string {
  return `${path}.old`
}

async function openJournal(path: string): Promise<Journal> {
  const { Journal } = await import('../../checkpoint/journal.ts')
  return Journal.open(path, { program, durability: 'flush' }, true)
}
