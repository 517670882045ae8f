/** A program that waits for a person is killed with signal 9 at any moment of the wait, again and again; then the person decides. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { simulate } from '../../src/ai/simulator/index.ts'
import type { Random } from './random.ts'

const program = fileURLToPath(new URL('../fixtures/programs/waits-for-person.mjs', import.meta.url))

export interface WaitStory {
  /** Requests that reached the provider: what is paid for. */
  readonly requests: number
  /** Questions that people were told of. */
  readonly told: readonly string[]
  /** Calls of the tool. */
  readonly sent: number
  readonly results: unknown
}

export async function waitingStory(kills: number, random: Random): Promise<WaitStory> {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-wait-'))
  const lines = (name: string): string[] =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1) : []
  const provider = await simulate({ firstToken: 1, tokensPerSecond: 1e6 })
  try {
    for (let i = 0; i < kills; i++) {
      const { child, question } = await started(folder, provider.baseURL)
      await question
      await new Promise((resolve) => setTimeout(resolve, random.below(20)))
      await killed(child)
    }
    const last = await started(folder, provider.baseURL)
    const key = await last.question
    const { port, token } = last.page
    const answer = await fetch(`http://127.0.0.1:${port}/questions/${encodeURIComponent(key)}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ decision: 'approve' }),
    })
    if (answer.status !== 200) throw new Error(await answer.text())
    const gone = once(last.child, 'exit')
    const results = await resultsOf(last.child)
    await gone
    return { requests: provider.stats().requests, told: lines('told.txt'), sent: lines('sent.txt').length, results }
  } finally {
    await provider.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Started {
  readonly child: ChildProcess
  readonly page: { readonly port: number; readonly token: string }
  /** The key of the question that is open. */
  readonly question: Promise<string>
}

async function started(folder: string, baseURL: string): Promise<Started> {
  const child = spawn(process.execPath, [program, folder, baseURL], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`The program ended with ${String(code)} before it said anything`)
  })
  ended.catch(() => {})
  const [first] = (await Promise.race([once(lines, 'line'), ended])) as [string]
  const page = JSON.parse(first) as { port: number; token: string }
  const found = new Promise<string>((resolve) => lines.on('line', (line) => resolve(line)))
  read.set(child, found)
  return { child, page, question: openQuestion(page) }
}

const read = new WeakMap<ChildProcess, Promise<string>>()

async function resultsOf(child: ChildProcess): Promise<unknown> {
  return (JSON.parse((await read.get(child)) ?? '{}') as { results: unknown }).results
}

async function openQuestion({ port, token }: Started['page']): Promise<string> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/questions`, { headers: { authorization: `Bearer ${token}` } }).catch(
      () => undefined,
    )
    if (!response) return ''
    const { questions } = (await response.json()) as { questions: readonly { key: string }[] }
    if (questions[0]) return questions[0].key
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
