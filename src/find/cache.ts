/**
 * Results by content: a file keeps its findings while it, the files that they depend on, the list of files and the settings are the same. A file
 * that appears or goes may change what an import means, so that it makes all results void.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FileResult } from './chunk.ts'

interface Entry {
  readonly hash: string
  readonly result: FileResult
}

interface Stored {
  readonly key: string
  readonly entries: Readonly<Record<string, Entry>>
}

export class Cache {
  readonly #path: string
  readonly #root: string
  readonly #key: string
  readonly #known: Readonly<Record<string, Entry>>
  readonly #hashes = new Map<string, string>()

  /** @param about all that results depend on beside contents of files */
  constructor(path: string, root: string, about: unknown) {
    this.#path = path
    this.#root = root
    this.#key = hashOf(JSON.stringify([builtAt(), about]))
    this.#known = load(path, this.#key)
  }

  /** The result of the last time, where it still holds. */
  get(path: string): FileResult | undefined {
    const known = this.#known[relative(this.#root, path)]
    if (!known || known.hash !== this.#hash(path)) return undefined
    return known.result.needs.every((need) => this.#known[need]?.hash === this.#hash(resolve(this.#root, need)))
      ? { ...known.result, path }
      : undefined
  }

  /** Writes what holds now. A cache that cannot be written only costs time. */
  save(results: Iterable<FileResult>): void {
    const entries: Record<string, Entry> = {}
    const place = (path: string): string => relative(this.#root, path)
    for (const result of results) {
      entries[place(result.path)] = {
        hash: this.#hash(result.path),
        result: { ...result, path: '', needs: result.needs.map((need) => place(resolve(this.#root, need))) },
      }
    }
    // Files outside of what was asked for count by their content too.
    for (const { result } of Object.values(entries)) {
      for (const need of result.needs) {
        entries[need] ??= {
          hash: this.#hash(resolve(this.#root, need)),
          result: { path: '', findings: [], reason: undefined, lines: 0, needs: [] },
        }
      }
    }
    try {
      mkdirSync(dirname(this.#path), { recursive: true })
      const draft = `${this.#path}.${process.pid}`
      writeFileSync(draft, JSON.stringify({ key: this.#key, entries } satisfies Stored))
      renameSync(draft, this.#path)
    } catch {
      // A folder that is read-only, a disk that is full.
    }
  }

  #hash(path: string): string {
    let hash = this.#hashes.get(path)
    if (hash === undefined) {
      try {
        hash = hashOf(readFileSync(path))
      } catch {
        hash = 'unreadable'
      }
      this.#hashes.set(path, hash)
    }
    return hash
  }
}

function hashOf(content: string | Uint8Array): string {
  return createHash('sha1').update(content).digest('base64')
}

/** Another build of heddle has other rules. */
function builtAt(): number {
  return statSync(fileURLToPath(import.meta.url)).mtimeMs
}

function load(path: string, key: string): Readonly<Record<string, Entry>> {
  try {
    const stored = JSON.parse(readFileSync(path, 'utf8')) as Partial<Stored>
    return stored.key === key && stored.entries ? stored.entries : {}
  } catch {
    return {}
  }
}
