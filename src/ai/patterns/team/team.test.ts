import { beforeAll, expect, test } from 'vitest'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, streamText } from 'ai'
import { streamText as streamText7 } from 'ai7'
import { createOpenAICompatible as createOpenAICompatible7 } from 'openai-compatible7'
import { DependencyFailed, InvalidGraph } from '../../../base/errors.ts'
import { partialResults } from '../../../run/failure.ts'
import { type Plan, team, type TeamState } from '../../index.ts'
import { simulate, type SimulatorOptions } from '../../simulator/index.ts'
import { turns } from '../../../../test/support/turn.ts'

beforeAll(() => {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
})

const quick: SimulatorOptions = { firstToken: 1, tokensPerSecond: 1e6 }

/** Resolves after the event loop has turned so many times: order without time. */
const upper = (input: string): string => input.toUpperCase()

/**
 *   a   b
 *    \ / \
 *     c   d
 *      \ /
 *       e
 */
const diamond = `
  Plan:
  a = say("one")
  2. say("two")
  c = say("$a and \${2}")
  d = say("not $2")
  e = say("$c, $d")
`

test('runs a plan as far at once as it allows, with results filled in', async () => {
  let [running, peak] = [0, 0]
  const say = async (input: string): Promise<string> => {
    peak = Math.max(peak, ++running)
    await turns(3)
    running--
    return input
  }
  const { value, results } = await team(diamond, { say }, { integrate: (all) => all.e })
  expect(value).toBe('one and two, not two')
  expect(Object.keys(results).sort()).toEqual(['2', 'a', 'c', 'd', 'e'])
  expect(peak).toBe(2)
  expect(await team(diamond, { say }, { concurrency: 1 })).toMatchObject({ results: { e: 'one and two, not two' } })
})

test('starts a task as soon as its line is there, while the planner still writes', async () => {
  const log: string[] = []
  async function* planner(): AsyncGenerator<string> {
    yield '{"id":"a","agent":"say","input":"first"}\n{"id":"b","ag'
    await turns(5)
    log.push('planner goes on')
    yield 'ent":"say","input":"then $a","needs":["a"]}'
  }
  const say = (input: string): string => {
    log.push(input)
    return input
  }
  await team(planner(), { say })
  expect(log).toEqual(['first', 'planner goes on', 'then first'])
})

const planText = '1. up("hello")\n2. up("$1 world")\n3. up("and $2")'
const plannedResults = { 1: 'HELLO', 2: 'HELLO WORLD', 3: 'AND HELLO WORLD' }

/** A planner model in both majors of the SDK that are supported. */
const planners = {
  'ai 6': (baseURL: string, maxOutputTokens = 100) =>
    streamText({
      model: createOpenAICompatible({ name: 'simulated', baseURL })('planner'),
      prompt: 'plan',
      maxRetries: 0,
      maxOutputTokens,
      onError: () => {},
    }),
  'ai 7': (baseURL: string, maxOutputTokens = 100) =>
    streamText7({
      model: createOpenAICompatible7({ name: 'simulated', baseURL })('planner'),
      prompt: 'plan',
      maxRetries: 0,
      maxOutputTokens,
      onError: () => {},
    }),
}

for (const [sdk, planner] of Object.entries(planners)) {
  test(`from a planner model, ${sdk}: its result, its fullStream or its textStream`, async () => {
    await using provider = await simulate({ ...quick, answer: () => planText })
    for (const plan of [planner(provider.baseURL), planner(provider.baseURL).fullStream, planner(provider.baseURL).textStream]) {
      expect((await team(plan, { up: upper })).results).toEqual(plannedResults)
    }
  })

  test(`a planner that fails, ${sdk}: refused key, broken stream, cut by its limit of tokens`, async () => {
    await using locked = await simulate({ ...quick, apiKey: 'another' })
    await expect(team(planner(locked.baseURL), { up: upper })).rejects.toMatchObject({ statusCode: 401 })
    // A bare text stream cannot say why it has ended, but a plan without tasks is refused.
    await expect(team(planner(locked.baseURL).textStream, { up: upper })).rejects.toThrow(InvalidGraph)

    await using breaking = await simulate({ ...quick, answer: () => planText, faults: { broken: 1 } })
    for (let i = 0; i < 8; i++) await expect(team(planner(breaking.baseURL), { up: upper })).rejects.toThrow(/./)

    await using cutting = await simulate({ ...quick, answer: () => planText })
    for (let tokens = 1; tokens < 11; tokens++) {
      await expect(team(planner(cutting.baseURL, tokens), { up: upper })).rejects.toThrow(InvalidGraph)
    }
  })
}

test('from an answer that is complete, from tasks one by one, and from the parts of a model', async () => {
  await using provider = await simulate({ ...quick, answer: () => planText })
  const model = createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL })('planner')
  expect((await team(await generateText({ model, prompt: 'plan' }), { up: upper })).results).toEqual(plannedResults)
  const cut = await generateText({ model, prompt: 'plan', maxOutputTokens: 4 })
  await expect(team(cut, { up: upper })).rejects.toThrow(/cut off: the planner reached its limit of output tokens/)
  async function* tasks(): AsyncGenerator<{ id: string; agent: string; input: string }> {
    yield { id: 'a', agent: 'up', input: 'x' }
    yield { id: 'b', agent: 'up', input: '$a y' }
  }
  expect((await team(tasks(), { up: upper })).results).toEqual({ a: 'X', b: 'X Y' })
  async function* none(): AsyncGenerator<string> {}
  await expect(team(none(), { up: upper })).rejects.toThrow('The plan is empty')
  const { stream } = await model.doStream({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'plan' }] }] })
  expect((await team(stream as unknown as Plan, { up: upper })).results).toEqual(plannedResults)
  await expect(team({ fine: 1 } as never, { up: upper })).rejects.toThrow(/Expected a plan to be a list of tasks/)
  expect(await team([], { up: upper })).toMatchObject({ results: {} })
})

test('a stream that throws or breaks off rejects, with what was done so far', async () => {
  const broken = new Error('connection lost')
  async function* planner(): AsyncGenerator<string> {
    yield '1. up("x")\n2. up("y'
    await turns(3)
    throw broken
  }
  const error: unknown = await team(planner(), { up: upper }).catch((reason: unknown) => reason)
  expect(error).toBe(broken)
  expect(partialResults(error)).toEqual({ results: { 1: 'X' }, completed: 1, failed: 'plan' })
  async function* parts(): AsyncGenerator<{ type: string; text?: string }> {
    yield { type: 'text-delta', text: planText }
  }
  await expect(team(parts(), { up: upper })).rejects.toThrow(
    'The plan broke off: its stream ended before the planner had finished',
  )
})

test('the longest id is meant, whatever order the plan is written in', async () => {
  const say = (input: string): string => input
  const results = async (plan: Plan): Promise<unknown> => (await team(plan, { say })).results
  expect(await results('1. say("7")\n2. say("5")\n3. say("$1-$2, $1-5, $1!, ${1}0, $10, $1.50, $1.")')).toMatchObject({
    3: '7-5, 7-5, 7!, 70, $10, $1.50, 7.',
  })
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
    [0, 2, 1],
  ]) {
    const lines = ['a = say("x")', 'a-b = say("y")', 'c = say("$a-b $a-c $a")']
    expect(await results(order.map((i) => lines[i]).join('\n'))).toMatchObject({ c: 'y x-c x' })
  }
})

test('a sum of money is not a task; unknown needs, agents, circles and doubles are named', async () => {
  expect((await team('a = up("costs $5")', { up: upper })).results).toEqual({ a: 'COSTS $5' })
  const plans: readonly [string | object[], RegExp][] = [
    [[{ id: 'a', agent: 'up', input: 'x', needs: ['z'] }], /Task "a" needs "z", which the plan does not have/],
    ['a = fly("x")', /asks for an agent "fly"; there are up/],
    ['a = up("$b")\nb = up("$c")\nc = up("$b")', /wait in a circle: b → c → b/],
    ['a = up("x")\na = up("y")', /two tasks "a"/],
    ['{"id": 1}', /to have `id`, `agent` and `input` as text/],
    ['{"id": ', /ends in the middle of a JSON object that begins in line 1/],
  ]
  for (const [plan, message] of plans) {
    const error: unknown = await team(plan as string, { up: upper }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(InvalidGraph)
    expect((error as Error).message).toMatch(message)
  }
})

test('a failure is replanned with what is there, or ends the team with its own error', async () => {
  const agents = {
    say: (input: string) => input,
    fail: () => {
      throw new Error('broken tool')
    },
  }
  const plan = 'a = say("one")\nb = fail("$a")\nc = say("got $b")'
  await expect(team(plan, agents)).rejects.toThrow('broken tool')
  const states: unknown[] = []
  const { results, failed, rounds } = await team(plan, agents, {
    replan: (state) => {
      states.push(
        [...state.results.keys()],
        [...state.failed.values()].map((error) => error.constructor),
      )
      return 'b2 = say("$a again")\nc2 = say("got $b2")'
    },
  })
  expect(states).toEqual([['a'], [Error, DependencyFailed]])
  expect(results).toEqual({ a: 'one', b2: 'one again', c2: 'got one again' })
  expect([[...failed.keys()], rounds]).toEqual([['b', 'c'], 2])
  await expect(team(plan, agents, { replan: () => 'x = fail("")', replans: 1 })).rejects.toThrow('broken tool')
})

test('a team that fails says what it had done; a plan that is wrong can be replanned like a task that failed', async () => {
  const agents = { say: (input: string) => input, fail: () => Promise.reject(new Error('broken tool')) }
  const error: unknown = await team('a = say("one")\nb = fail("")\nc = say("$b")', agents).catch((reason: unknown) => reason)
  expect(partialResults(error)).toEqual({ results: { a: 'one' }, completed: 1, failed: 'b' })

  const replanned = async (plan: Plan): Promise<[TeamState, unknown]> => {
    const states: TeamState[] = []
    const { results } = await team(plan, agents, {
      replan: ({ results: soFar, failed, plan: wrong }) => {
        states.push({ results: new Map(soFar), failed, plan: wrong })
        return 'z = say("$a again")'
      },
    })
    return [states[0] as TeamState, results]
  }
  const [unknownAgent, results] = await replanned('a = say("one")\nb = fly("$a")\nc = say("$b")\nd = say("$a two")')
  expect(results).toEqual({ a: 'one', d: 'one two', z: 'one again' })
  expect([...unknownAgent.failed].map(([id, { message }]) => [id, message])).toEqual([
    ['b', 'Task "b" asks for an agent "fly"; there are say, fail'],
    ['c', 'Task "c" did not run, because "b" failed'],
  ])
  async function* brokenPlanner(): AsyncGenerator<string> {
    yield 'a = say("one")\nb = say("$c")\nc = say("$zz")\n'
    throw new Error('connection lost')
  }
  for (const [plan, message] of [
    [brokenPlanner(), /connection lost/],
    ['a = say("one")\nb = say("$c")\nc = say("$b")', /wait in a circle: b → c → b/],
    [
      [
        { id: 'a', agent: 'say', input: 'one' },
        { id: 'b', agent: 'say', input: 'x', needs: ['nothing'] },
      ],
      /needs "nothing", which the plan does not have/,
    ],
  ] as [Plan, RegExp][]) {
    const [state, after] = await replanned(plan)
    expect(state.plan?.message).toMatch(message)
    expect(after).toEqual({ a: 'one', z: 'one again' })
  }
  await expect(team('a = fly("x")', agents, { replan: () => undefined })).rejects.toThrow(/an agent "fly"/)
})

test('results that are no JSON are filled in all the same', async () => {
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  const agents = { give: (key: string): unknown => ({ circle, big: 7n, none: undefined })[key], say: (input: string) => input }
  const { results } = await team('a = give("circle")\nb = give("big")\nc = give("none")\nd = say("$a $b $c")', agents)
  expect(results['d']).toBe('[object Object] 7 undefined')
})
