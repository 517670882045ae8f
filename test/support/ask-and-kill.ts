import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simulate } from '../../src/ai/simulator/index.ts'
import { recordedIn, runAndKill } from './kill.ts'
import type { Random } from './random.ts'

export interface AskedStory {
  readonly kills: number
  readonly hash: string
  /** Calls that the server saw although the journal had them. */
  readonly sentAgain: readonly string[]
  /** Requests beyond one for each call: what was under way when the program was killed. */
  readonly extra: number
  readonly journal: string
}

/** A batch of calls over HTTP to a simulated provider, by a program that is killed on the way, evenly over its work. */
export async function askedStory(calls: number, kills: number, random: Random): Promise<AskedStory> {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-ask-'))
  const path = join(folder, 'run.jsonl')
  let known: ReadonlySet<string> = new Set()
  const sentAgain: string[] = []
  let sent = 0
  const provider = await simulate({
    firstToken: [{ weight: 1, median: '20ms', sigma: 0.5 }],
    answer({ messages }) {
      const text = messages.at(-1)?.text ?? ''
      const id = /document-\d+/.exec(text)?.[0] ?? ''
      sent++
      if (known.has(id)) sentAgain.push(id)
      return `All about ${id}.`
    },
  })
  const size = (): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
  try {
    for (let killed = 0; ;) {
      known = recordedIn(path)
      const before = size()
      // At most as far into what is left as leaves work for the kills to come.
      const wanted = killed < kills ? random.below(Math.ceil((calls - known.size) / (kills - killed + 1))) : calls
      const begun = (): boolean => size() > before && recordedIn(path).size >= Math.min(calls, known.size + wanted)
      const killAfterMs = killed < kills ? random.below(10) : 600_000
      const ended = await runAndKill('asks.mjs', [folder, provider.baseURL, String(calls)], begun, killAfterMs)
      if (ended.killed) {
        killed++
        continue
      }
      if (ended.err !== '') throw new Error(ended.err)
      const { hash } = JSON.parse(ended.out) as { hash: string }
      return { kills: killed, hash, sentAgain, extra: sent - calls, journal: readFileSync(path, 'utf8') }
    }
  } finally {
    await provider.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
