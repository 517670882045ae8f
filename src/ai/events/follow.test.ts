import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai'
import { readUIMessageStream as read7, type UIMessageChunk as UIMessageChunk7 } from 'ai7'
import { beforeAll, describe, expect, test } from 'vitest'
import { tool } from 'ai'
import { z } from 'zod'
import { InvalidOption } from '../../base/errors.ts'
import { agent, type AgentEvent, ask, condense, follow, team, vote } from '../index.ts'
import { simulate } from '../simulator/index.ts'
import { EventLog } from './log.ts'

beforeAll(() => {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
})

const quick = { firstToken: 1, tokensPerSecond: 1e6 }

async function all(events: AsyncIterable<AgentEvent>): Promise<AgentEvent[]> {
  const seen: AgentEvent[] = []
  for await (const event of events) seen.push(event)
  return seen
}

const chapters = ['The ship leaves. It is early.', 'The storm comes. All are wet.', 'The ship is home. They sleep.']

describe('work that is followed', () => {
  test('shows the texts of a pattern as they are written, each in its branch', async () => {
    await using provider = await simulate(quick)
    const model = createOpenAICompatible({ name: 's', baseURL: provider.baseURL })('m')
    const run = follow(() =>
      condense(chapters, {
        map: (part) => ask(model, `Summarize:\n\n${part.text}`),
        reduce: (texts) => ask(model, `Combine:\n\n${texts.join('\n\n')}`),
        maxTokens: 40,
      }),
    )
    const events = await all(run.events)
    const { text } = await run.result
    const texts = new Map<string, string>()
    for (const event of events) if (event.type === 'text') texts.set(event.call, (texts.get(event.call) ?? '') + event.delta)
    expect([...texts.values()]).toContain(text)
    expect(texts.size).toBeGreaterThanOrEqual(4)
    expect(events.filter(({ type }) => type === 'run-start').length).toBeGreaterThanOrEqual(2)
  })

  test('is a pattern without models, too; what fails is said and rejects', async () => {
    const run = follow(() => vote(() => 'yes', { n: 3 }))
    const events = await all(run.events)
    expect(events.filter(({ type }) => type === 'task-end')).toHaveLength(3)
    const failing = follow(() => Promise.reject(new Error('no, key sk-0123456789abcdefghij0123456789abcdefghij')))
    expect((await all(failing.events)).at(-1)).toMatchObject({
      type: 'end',
      state: 'failed',
      error: expect.stringMatching(/^no, key/),
    })
    await expect(failing.result).rejects.toThrow('no, key')
    expect(() => follow(() => 1, { keep: 0 })).toThrow(InvalidOption)
  })

  test('does not mix with other work at the same time', async () => {
    const one = follow(() => vote(() => 1, { n: 2, name: 'one' }))
    const two = follow(() => vote(() => 1, { n: 2, name: 'two' }))
    const names = (events: readonly AgentEvent[]): string[] =>
      events.flatMap((event) => (event.type === 'run-start' ? [event.name] : []))
    expect(names(await all(one.events))).toEqual(['one'])
    expect(names(await all(two.events))).toEqual(['two'])
  })

  test('gives each reader all of it, and what is new to those who come back', async () => {
    const run = follow(() => vote(() => 1, { n: 4 }))
    await run.result
    const events = await all(run.events)
    expect(await all(run.events)).toEqual(events)
    expect(await all(run.eventsAfter(3))).toEqual(events.slice(3))
  })

  test('keeps a bounded number of events, and says how many a late reader missed', async () => {
    const log = new EventLog(10)
    for (let i = 1; i <= 100; i++) log.emit({ type: 'answer', id: `${i}`, decision: 'approve', branch: '' })
    log.emit({ type: 'end', state: 'done', branch: '' })
    const events = await all({ [Symbol.asyncIterator]: () => log.after(0) })
    const [missed, ...kept] = events
    expect(missed).toMatchObject({ type: 'missed' })
    expect(kept.length).toBeLessThanOrEqual(20)
    expect((missed as { count: number }).count + kept.length).toBe(101)
    expect(kept.at(-1)?.seq).toBe(101)
  })
})

const weather = tool({ inputSchema: z.object({ city: z.string() }), execute: async () => 'sunny' })

for (const version of ['ai 6', 'ai 7']) {
  test(`as a UI message, read by ${version}: a part per branch, tools, and again from the beginning`, async () => {
    await using provider = await simulate(quick)
    const model = createOpenAICompatible({ name: 's', baseURL: provider.baseURL })('m')
    const asker = agent(model, { name: 'asker', tools: { weather } })
    const run = follow(() => team('a = asker("What is the weather in Rome?")\nb = asker("Say hello")', { asker }))
    const read = async (): Promise<UIMessage> => {
      let last: unknown
      const stream = run.toUIMessageStream()
      const messages =
        version === 'ai 6'
          ? readUIMessageStream({ stream: stream as unknown as ReadableStream<UIMessageChunk> })
          : read7({ stream: stream as unknown as ReadableStream<UIMessageChunk7> })
      for await (const message of messages) last = message
      return last as UIMessage
    }
    const first = await read()
    const texts = first.parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))
    expect(texts.toSorted()).toEqual(['The tool says: sunny', 'You asked: Say hello'])
    expect(first.parts.filter(({ type }) => type === 'dynamic-tool')).toMatchObject([
      { toolName: 'weather', state: 'output-available', output: 'sunny' },
    ])
    const tasks = first.parts.filter(({ type }) => type === 'data-task') as { data: { task: string; state: string } }[]
    expect(tasks.filter(({ data }) => data.task === 'a' || data.task === 'b').map(({ data }) => data.state)).toEqual([
      'done',
      'done',
    ])
    // Whoever lost the connection reads the same message.
    const again = await read()
    expect(again.id).toBe(first.id)
    expect(again.parts).toEqual(first.parts)
  })
}
