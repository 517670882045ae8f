/** Programs that are killed with signal 9 at any moment, and started again until they end. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Reader } from '../../src/checkpoint/reader.ts'
import type { Random } from './random.ts'

const programs = fileURLToPath(new URL('../fixtures/programs/', import.meta.url))

interface Ended {
  readonly killed: boolean
  readonly out: string
  readonly err: string
}

/** Runs the program; kills it after so many milliseconds from when it has begun its work, if it still runs then. */
export function runAndKill(program: string, args: readonly string[], begun: () => boolean, killAfterMs: number): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...args], { cwd: programs, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, err] = ['', '']
    let timer: NodeJS.Timeout | undefined
    const look = setInterval(() => {
      if (timer || !begun()) return
      timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    }, 2)
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.on('close', (_code, signal) => {
      clearInterval(look)
      clearTimeout(timer)
      resolve({ killed: signal === 'SIGKILL', out, err })
    })
  })
}

/** Keys of the whole records of a journal. */
export function recordedIn(path: string): ReadonlySet<string> {
  const bytes = read(path)
  if (bytes.length === 0) return new Set()
  const reader = new Reader()
  reader.push(bytes)
  const contents = reader.finish()
  if ('refused' in contents) throw new Error(contents.refused)
  return new Set([...contents.records.keys()].map((key) => String(JSON.parse(key))))
}

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0)
  }
}

export interface Story {
  readonly kills: number
  readonly hash: string
  /** Items that were recorded when the program was killed, and run again all the same. */
  readonly again: readonly string[]
  /** How many items were run again after a kill, at most. */
  readonly mostRepeated: number
}

/** One journal, from its beginning to the end of the program, with up to `kills` kills on the way. */
export async function killedStory(kind: string, kills: number, random: Random): Promise<Story> {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-kill-'))
  const [journal, ran] = [join(folder, 'run.jsonl'), join(folder, 'ran.txt')]
  const linesOfRan = (): string[] => read(ran).toString().split('\n').slice(0, -1)
  const again: string[] = []
  let [killed, mostRepeated] = [0, 0]
  try {
    for (;;) {
      const known = recordedIn(journal)
      const before = linesOfRan()
      const sizeBefore = read(journal).length
      const begun = (): boolean => read(journal).length > sizeBefore
      const ended = await runAndKill('checkpointed.mjs', [folder, kind], begun, killed < kills ? random.below(60) : 600_000)
      const since = linesOfRan().slice(before.length)
      again.push(...since.filter((key) => known.has(key) || known.has(`=${key}`)))
      mostRepeated = Math.max(mostRepeated, since.filter((key) => before.includes(key)).length)
      if (!ended.killed) {
        if (ended.err !== '') throw new Error(ended.err)
        const lines = read(journal).toString().trimEnd().split('\n')
        if (lines.length !== 1 + recordedIn(journal).size) throw new Error('a step was recorded twice')
        return { kills: killed, hash: (JSON.parse(ended.out) as { hash: string }).hash, again, mostRepeated }
      }
      killed++
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
