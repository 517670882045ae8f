/**
 * Which code a module is: two machines may share work only where it is the same. Of `HEDDLE_BUILD`, where deployments number their builds; else a hash of the
 * module's text, of what it imports by relative paths, and of the lock file that says which packages it gets.
 *
 * The text is that of the file which runs: a program that runs from sources and a worker that runs their build are two builds, because nobody can say
 * that the one was made from the other.
 */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { identityOf } from '../../workers/identity.ts'
import type { ModuleBuild } from './names.ts'

export const buildVariable = 'HEDDLE_BUILD'

const imported = /(?:\bfrom|\bimport|\brequire)\s*(?:\(\s*)?['"](\.{1,2}\/[^'"]+)['"]|new URL\(\s*['"](\.{1,2}\/[^'"]+)['"]/g
const endings = ['', '.ts', '.js', '.mts', '.mjs', '.cts', '.cjs', '.tsx', '.jsx', '.json', '/index.ts', '/index.js']
const locks = ['package-lock.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock', 'bun.lockb']
/** A module that imports more files has its hash from the first of them; chosen. */
const mostFiles = 10_000

const known = new Map<string, ModuleBuild>()

/** @param url of the module's file; read once */
export function moduleBuildOf(url: string): ModuleBuild {
  let found = known.get(url)
  if (!found) {
    const { package: name, module } = identityOf(url, '')
    known.set(url, (found = { package: name, module, build: process.env[buildVariable] ?? hashOf(url) }))
  }
  return found
}

function hashOf(url: string): string {
  const hash = createHash('sha256')
  const entry = url.startsWith('file:') ? fileURLToPath(url) : url
  const open = [entry]
  const seen = new Set<string>(open)
  for (let path = open.shift(); path !== undefined && seen.size < mostFiles; path = open.shift()) {
    const text = textOf(path)
    if (text === undefined) continue
    hash.update(`${text.length}:`).update(text)
    for (const [, a, b] of text.matchAll(imported)) {
      const next = fileAt(resolve(dirname(path), a ?? b ?? ''))
      if (next === undefined || seen.has(next)) continue
      seen.add(next)
      open.push(next)
    }
  }
  hash.update(lockAbove(entry) ?? '')
  return hash.digest('hex')
}

function fileAt(path: string): string | undefined {
  // Sources name the file that will be: './parse.js' is './parse.ts'.
  const candidates = [...endings.map((ending) => path + ending), path.replace(/\.([cm]?)js$/, '.$1ts')]
  return candidates.find((candidate) => {
    try {
      return statSync(candidate).isFile()
    } catch {
      return false
    }
  })
}

function lockAbove(path: string): string | undefined {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    for (const lock of locks) {
      const text = textOf(join(folder, lock))
      if (text !== undefined) return text
    }
    if (folder === dirname(folder)) return undefined
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
