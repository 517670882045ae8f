/** The patterns with a checkpoint: what is recorded is not asked again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openJournal } from '../../checkpoint/index.ts'
import { best, synthesize } from './best.ts'
import { condense } from './condense.ts'
import { explore } from './explore.ts'
import { perspectives } from './perspectives.ts'
import { team } from './team/team.ts'
import { vote } from './vote.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-once-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the pattern twice with one journal. Its calls go through `call`, which counts. */
async function twice(name: string, pattern: (checkpoint: string, call: <T>(value: T) => Promise<T>) => Promise<unknown>) {
  let calls = 0
  const call = async <T>(value: T): Promise<T> => {
    calls++
    return value
  }
  const path = join(folder, `${name}.jsonl`)
  const first = await pattern(path, call)
  const made = calls
  const second = await pattern(path, call)
  return { first, second, made, again: calls - made }
}

const text = Array.from({ length: 40 }, (_, i) => `Paragraph ${i} has some words.`).join('\n\n')
const patterns: Parameters<typeof twice>[] = [
  ['vote', (checkpoint, call) => vote(({ index }) => call(index % 3 === 0 ? 'no' : 'yes'), { n: 6, until: 'all', checkpoint })],
  ['best', (checkpoint, call) => best(({ index }) => call(`${index}`), { n: 4, score: (answer) => call(-answer), checkpoint })],
  [
    'synthesize',
    (checkpoint, call) => synthesize([() => call('a'), () => call('b')], (drafts) => call(drafts.join()), { checkpoint }),
  ],
  [
    'explore',
    (checkpoint, call) =>
      explore({
        start: '',
        expand: (state) => call([`${state}a`, `${state}b`]),
        score: (state) => call(state.length),
        depth: 3,
        checkpoint,
      }),
  ],
  [
    'condense',
    (checkpoint, call) =>
      condense(text, {
        map: (part) => call(part.text.slice(0, 40)),
        reduce: (texts) => call(texts.join(' ').slice(0, 40)),
        maxTokens: 60,
        checkpoint,
      }),
  ],
  [
    'perspectives',
    (checkpoint, call) =>
      perspectives(text, { length: (content) => call(content.length), first: (content) => call(content[0]) }, { checkpoint }),
  ],
  ['team', (checkpoint, call) => team('1. say("Oslo")\n2. say("not $1")', { say: (input) => call(`${input}!`) }, { checkpoint })],
]

test.each(patterns)('%s does not make a recorded call again, and gives the same', async (name, pattern) => {
  const { first, second, made, again } = await twice(name, pattern)
  expect(made).toBeGreaterThan(1)
  expect(again).toBe(0)
  expect(second).toEqual(first)
})

test('a failed call is made again, and changed texts are', async () => {
  const path = join(folder, 'changed.jsonl')
  const run = async (documents: string[], fails = '') => {
    const asked: string[] = []
    const ask = async (part: { readonly text: string }): Promise<string> => {
      asked.push(part.text)
      if (part.text === fails) throw new Error('not yet')
      return part.text
    }
    await condense(documents, {
      map: ask,
      reduce: (texts) => texts.join(' '),
      maxTokens: 100,
      checkpoint: path,
      concurrency: 1,
      onFailure: 'settle',
    })
    return asked
  }
  expect(await run(['one', 'two', 'three'], 'two')).toEqual(['one', 'two', 'three'])
  expect(await run(['one', 'two', 'four'])).toEqual(['two', 'four'])
})

test('several patterns share one journal, each with a part of its own', async () => {
  await using journal = await openJournal(join(folder, 'shared.jsonl'), { program: 'p' })
  const a = await vote(() => 'a', { n: 3, checkpoint: journal.at('a') })
  const b = await vote(() => 'b', { n: 3, checkpoint: journal.at('b') })
  expect([a.winner, b.winner]).toEqual(['a', 'b'])
  await expect(best(() => 'c', { n: 2, score: () => 1, checkpoint: journal.at('a') })).rejects.toThrow(
    'is used by vote, and now by best',
  )
})

test('an answer that is no JSON, and a wrong option, are named', async () => {
  await expect(vote(() => new Date(0), { n: 1, checkpoint: join(folder, 'date.jsonl') })).rejects.toMatchObject({
    cause: { code: 'HEDDLE_UNSERIALIZABLE' },
  })
  await expect(vote(() => 1, { n: 1, checkpoint: 5 as never })).rejects.toThrow('Expected `checkpoint` to be text')
})
