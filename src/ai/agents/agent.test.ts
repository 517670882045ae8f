import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { stepCountIs, tool, ToolLoopAgent } from 'ai'
import { stepCountIs as stepCountIs7, tool as tool7, ToolLoopAgent as ToolLoopAgent7 } from 'ai7'
import { createOpenAICompatible as createOpenAICompatible7 } from 'openai-compatible7'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { BudgetExceeded, InvalidGraph, InvalidOption, Overflow } from '../../base/errors.ts'
import { limiter } from '../../limits/index.ts'
import { turns } from '../../../test/support/turn.ts'
import { agent, type AgentEvent, follow, memory, openInbox, pool, supervisor, team } from '../index.ts'
import { simulate } from '../simulator/index.ts'
import { type Asked, scripted, type Turn } from './scripted.fixture.ts'

let folder: string
beforeAll(() => {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-agent-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const double = tool({
  inputSchema: z.object({ n: z.number() }),
  execute: async ({ n }: { n: number }) => n * 2,
})

/** Doubles what it is asked, with one call of the tool per number, all at once; then says what came. */
const doubling = ({ prompt, results, mayUseTools }: Asked): Turn =>
  results.length === 0 && mayUseTools
    ? { calls: [...prompt.matchAll(/\d+/g)].map(([n]) => ({ tool: 'double', input: { n: Number(n) } })) }
    : { text: `It is ${results.join(' and ')}` }

describe('an agent', () => {
  test('uses its tools, and answers with what they gave', async () => {
    const model = scripted(doubling)
    expect(await agent(model, { tools: { double } })('Double 4 and 5')).toBe('It is 8 and 10')
    expect(model.calls).toBe(2)
  })

  test('calls tools side by side, under a limit that agents share', async () => {
    let [running, peak] = [0, 0]
    const slow = tool({
      inputSchema: z.object({ n: z.number() }),
      execute: async ({ n }: { n: number }) => {
        peak = Math.max(peak, ++running)
        await turns(3)
        running--
        return n
      },
    })
    const one = agent(scripted(doubling), { tools: { double: slow } })
    await one('1 2 3 4 5 6')
    expect(peak).toBe(6)
    peak = 0
    const toolLimit = limiter({ concurrency: 2 })
    const limited = { tools: { double: slow }, toolLimit }
    const [a, b] = [agent(scripted(doubling), limited), agent(scripted(doubling), limited)]
    await team('x = a("1 2 3")\ny = b("4 5 6")', { a, b })
    expect(peak).toBe(2)
  })

  test('gets no tools in its last step, so that it answers', async () => {
    const greedy = scripted(({ mayUseTools }) =>
      mayUseTools ? { calls: [{ tool: 'double', input: { n: 1 } }] } : { text: 'That is all I have' },
    )
    expect(await agent(greedy, { tools: { double }, steps: 3 })('go on for ever')).toBe('That is all I have')
    expect(greedy.calls).toBe(3)
  })

  test('sees what a tool throws, and goes on', async () => {
    const broken = tool({
      inputSchema: z.object({}),
      execute: async (): Promise<string> => Promise.reject(new Error('out of order')),
    })
    const model = scripted(({ results }) =>
      results.length === 0 ? { calls: [{ tool: 'broken', input: {} }] } : { text: `I was told: ${String(results[0])}` },
    )
    expect(await agent(model, { tools: { broken } })('try')).toMatch(/out of order/)
  })

  test('answers as its schema says', async () => {
    const model = scripted(() => ({ text: '{"city":"Paris"}' }))
    expect(await agent(model, { schema: z.object({ city: z.string() }) })('Where?')).toEqual({ city: 'Paris' })
  })

  test('keeps to what each task may spend', async () => {
    const model = scripted(doubling)
    const one = agent(pool(model), { tools: { double }, perTask: { calls: 1 } })
    await expect(one('Double 4')).rejects.toBeInstanceOf(BudgetExceeded)
    expect(model.calls).toBe(1)
    // The next task has its own.
    await expect(one('Double 5')).rejects.toBeInstanceOf(BudgetExceeded)
    expect(model.calls).toBe(2)
  })

  test('of the AI SDK is a member of a team as it is, in both versions', async () => {
    await using provider = await simulate({ firstToken: 1, tokensPerSecond: 1e6 })
    const inputSchema = z.object({ city: z.string() })
    const execute = async (): Promise<string> => 'sunny'
    const six = new ToolLoopAgent({
      model: createOpenAICompatible({ name: 's', baseURL: provider.baseURL })('m'),
      tools: { weather: tool({ inputSchema, execute }) },
      stopWhen: stepCountIs(3),
    })
    const seven = new ToolLoopAgent7({
      model: createOpenAICompatible7({ name: 's', baseURL: provider.baseURL })('m'),
      tools: { weather: tool7({ inputSchema, execute }) },
      stopWhen: stepCountIs7(3),
    })
    const { results } = await team('a = six("What is the weather?")\nb = seven("What is the weather?")', { six, seven })
    expect(results).toEqual({ a: 'The tool says: sunny', b: 'The tool says: sunny' })
  })

  test('refuses options that are none', () => {
    expect(() =>
      agent(
        scripted(() => ({})),
        { step: 3 } as object,
      ),
    ).toThrow(InvalidOption)
    expect(() =>
      agent(
        scripted(() => ({})),
        { steps: 0 },
      ),
    ).toThrow(/whole number from 1 up/)
    expect(() =>
      agent(
        scripted(() => ({})),
        { budget: {} as never },
      ),
    ).toThrow(/a budget made by budget/)
  })
})

describe('a team of agents', () => {
  test('has its results in the order of the plan, whoever was ready first', async () => {
    const wait = async (input: string): Promise<string> => {
      await turns(input === 'long' ? 20 : 1)
      return input
    }
    const { results } = await team('c = wait("long")\na = wait("short")\nb = wait("short")', { wait })
    expect(Object.keys(results)).toEqual(['c', 'a', 'b'])
  })

  test('hands tasks over, by a tool or by a function, and not for ever', async () => {
    const front = agent(
      scripted(() => ({ calls: [{ tool: 'hand_over', input: { to: 'back', input: 'the hard part' } }] })),
      { handOver: ['back'] },
    )
    const back = (input: string): string => `done: ${input}`
    expect((await team('a = front("all")', { front, back })).results).toEqual({ a: 'done: the hard part' })

    const ping = (input: string, task: { handOver(to: string, input: string): unknown }): unknown => task.handOver('pong', input)
    const pong = (input: string, task: { handOver(to: string, input: string): unknown }): unknown => task.handOver('ping', input)
    await expect(team('a = ping("x")', { ping, pong })).rejects.toBeInstanceOf(Overflow)
    const lost = (input: string, task: { handOver(to: string, input: string): unknown }): unknown =>
      task.handOver('nobody', input)
    await expect(team('a = lost("x")', { lost })).rejects.toBeInstanceOf(InvalidGraph)
  })

  test('shares a memory, or keeps notes private', async () => {
    const shared = memory()
    const noting = ({ prompt, results }: Asked): Turn =>
      results.length === 0
        ? {
            calls: [
              prompt.startsWith('note')
                ? { tool: 'remember', input: { name: 'key', text: prompt } }
                : { tool: 'recall', input: { name: 'key' } },
            ],
          }
        : { text: String(results[0]) }
    const a = agent(scripted(noting), { memory: shared })
    const b = agent(scripted(noting), { memory: shared })
    const apart = agent(scripted(noting), { memory: memory() })
    const plan = 'x = a("note seven")\ny = b("read after $x")\nz = apart("read after $x")'
    const { results } = await team(plan, { a, b, apart })
    expect(results).toEqual({ x: 'noted', y: 'note seven', z: expect.stringContaining('There is no note') })
    expect(() => memory({ notes: 1, length: 2 }).set('n', 'long')).toThrow(Overflow)
  })

  test('of teams', async () => {
    const inner = async (input: string): Promise<string> => {
      const { results } = await team([{ id: 'up', agent: 'upper', input }], { upper: (text: string) => text.toUpperCase() })
      return String(results['up'])
    }
    expect((await team('a = inner("x")\nb = inner("$a y")', { inner })).results).toEqual({ a: 'X', b: 'X Y' })
  })

  test('is led by a supervisor that plans on while members work', async () => {
    const log: string[] = []
    const work = async (input: string): Promise<string> => {
      log.push(input)
      await turns(input === 'slow' ? 50 : 1)
      return `${input} done`
    }
    const lead = scripted(({ results }): Turn => {
      const said = results.map((result) => JSON.stringify(result))
      if (said.length === 0)
        return {
          calls: [
            { tool: 'assign', input: { id: 'a', agent: 'work', input: 'slow' } },
            { tool: 'assign', input: { id: 'b', agent: 'work', input: 'quick' } },
          ],
        }
      if (said.length === 2) return { calls: [{ tool: 'wait', input: {} }] }
      if (said.length === 3) {
        // The slow one still runs.
        log.push(`sees ${said[2] ?? ''}`)
        return { calls: [{ tool: 'assign', input: { id: 'c', agent: 'work', input: 'after $b', needs: ['b'] } }] }
      }
      if (said.length < 6) return { calls: [{ tool: 'wait', input: {} }] }
      if (said.length === 6)
        return {
          calls: [
            { tool: 'wait', input: {} },
            { tool: 'assign', input: { id: 'a', agent: 'work', input: 'x' } },
          ],
        }
      return { text: 'All is done.' }
    })
    const { results } = await team(supervisor(lead, { goal: 'work' }), { work })
    expect(results).toEqual({ a: 'slow done', b: 'quick done', c: 'after quick done done' })
    expect(log[2]).toBe('sees {"id":"b","result":"quick done"}')
  })

  test('with a journal makes each call of a model and of a tool once', async () => {
    const checkpoint = join(folder, 'team.jsonl')
    const made: number[] = []
    let dies = true
    const counted = tool({
      inputSchema: z.object({ n: z.number() }),
      execute: async ({ n }: { n: number }) => {
        if (n === 3 && dies) throw new Error('the machine goes down')
        made.push(n)
        return n * 2
      },
    })
    const notes = memory()
    const model = scripted(({ results, mayUseTools }) => {
      const next = results.length + 1
      if (next === 3 && dies) throw new Error('the machine goes down')
      return next <= 4 && mayUseTools ? { calls: [{ tool: 'double', input: { n: next } }] } : { text: results.join(',') }
    })
    const noter = scripted(({ results }) =>
      results.length === 0 ? { calls: [{ tool: 'remember', input: { name: 'n', text: 'kept' } }] } : { text: 'ok' },
    )
    const run = (): Promise<unknown> =>
      team(
        'first = noter("go")\na = one("count $first")',
        { one: agent(model, { tools: { double: counted } }), noter: agent(noter, { memory: notes }) },
        { checkpoint },
      ).then(({ results }) => results)
    await expect(run()).rejects.toThrow('the machine goes down')
    const before = [model.calls, noter.calls]
    expect(before).toEqual([3, 2])
    dies = false
    expect(await run()).toEqual({ first: 'ok', a: '2,4,6,8' })
    // The two answers that were there were read; the third, which had failed, was asked for again.
    expect([model.calls, noter.calls]).toEqual([3 + 3, 2])
    expect(made).toEqual([1, 2, 3, 4])
    expect(notes.get('n')).toBe('kept')
  })
})

describe('a person', () => {
  test('an edit that the tool does not accept is an error that the model sees', async () => {
    await using inbox = await openInbox(join(folder, 'inbox.jsonl'))
    inbox.onChange(() => {
      for (const { key } of inbox.open) void inbox.answer(key, { decision: 'edit', value: { n: 'no number' } })
    })
    const said = await agent(scripted(doubling), { tools: { double }, approve: { inbox, tools: () => true } })('Double 4')
    expect(said).toMatch(/the tool does not accept/)
  })

  test('approves, edits or rejects calls of tools', async () => {
    await using inbox = await openInbox(join(folder, 'inbox.jsonl'))
    const made: unknown[] = []
    const send = tool({
      inputSchema: z.object({ n: z.number() }),
      execute: async ({ n }: { n: number }) => {
        made.push(n)
        return 'sent'
      },
    })
    const model = scripted(({ prompt, results }) =>
      results.length === 0
        ? { calls: [...prompt.matchAll(/\d+/g)].map(([n]) => ({ tool: 'send', input: { n: Number(n) } })) }
        : { text: results.map(String).join(' | ') },
    )
    inbox.onChange(() => {
      for (const { key, draft } of inbox.open) {
        const { n } = draft as { n: number }
        const decision =
          n === 1
            ? ({ decision: 'approve' } as const)
            : n === 2
              ? ({ decision: 'edit', value: { n: 20 } } as const)
              : ({ decision: 'reject', note: 'too many' } as const)
        void inbox.answer(key, decision)
      }
    })
    const said = await agent(model, { name: 'mailer', tools: { send }, approve: { inbox, tools: ['send'] } })('Send 1 2 3')
    expect(made.toSorted()).toEqual([1, 20])
    expect(said).toMatch(/^sent \| sent \| .*too many/)
  })
})

describe('events', () => {
  test('tell calls of tools apart that providers gave one id', async () => {
    const model = scripted(({ results }) =>
      results.length < 2 ? { calls: [{ tool: 'double', input: { n: results.length } }], callId: 'call_0' } : { text: 'done' },
    )
    const one = agent(model, { tools: { double } })
    const run = follow(() => team('a = one("x")\nb = one("y")', { one }))
    const calls: string[] = []
    for await (const event of run.events) if (event.type === 'tool-start') calls.push(event.call)
    expect(new Set(calls).size).toBe(4)
  })

  test('say what members, models and tools do, in their branches', async () => {
    const one = agent(scripted(doubling), { name: 'one', tools: { double } })
    const run = follow(() => team('a = one("4")\nb = one("$a, then 5")', { one }))
    const events: AgentEvent[] = []
    for await (const event of run.events) events.push(event)
    expect((await run.result).results).toMatchObject({ a: 'It is 8' })
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
    const of = (branch: string): string[] => events.filter((event) => event.branch === branch).map(({ type }) => type)
    expect(of('a/one')).toEqual(expect.arrayContaining(['task-start', 'tool-start', 'tool-end', 'step', 'text', 'text-end']))
    expect(of('a/one').filter((type) => type === 'step')).toHaveLength(2)
    expect(of('a/one').indexOf('tool-end')).toBeLessThan(of('a/one').indexOf('text'))
    expect(of('b/one')).toContain('tool-end')
    expect(events.at(-1)).toMatchObject({ type: 'end', state: 'done' })
    expect(events.filter(({ type }) => type === 'task-start').map((event) => 'task' in event && event.task)).toContain('b')
  })
})
