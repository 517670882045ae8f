/**
 * Views of one text, and a team of agents on a plan. SIMULATED: a provider on this machine answers each call after a fixed time.
 *
 * The plan is like those of LLMCompiler (2312.04511): chains of searches and sums, joined at the end.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { ask, perspectives, pool, team } from 'heddle/ai'
import { startProvider } from './ai/provider.mjs'

/** Milliseconds of each view. */
const views = { 'views, 3': [300, 450, 600], 'views, 5': [400, 450, 500, 550, 600] }

/** Milliseconds of each step of six chains: drawn once, lognormal around 250 (σ 0.6). */
const chains = [
  [431, 154, 240, 366],
  [183, 515, 128, 212],
  [262, 97, 604, 305],
  [120, 333, 189, 507],
  [358, 221, 287, 143],
  [205, 402, 171, 268],
]
const joinMs = 200
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0)
const critical = [...chains.reduce((a, b) => (sum(b) > sum(a) ? b : a)), joinMs]

const plan = [
  ...chains.flatMap((chain, c) =>
    chain.map((ms, step) => ({
      id: `${c}-${step}`,
      agent: 'step',
      input: `${ms}`,
      needs: step === 0 ? [] : [`${c}-${step - 1}`],
    })),
  ),
  { id: 'join', agent: 'step', input: `${joinMs}`, needs: chains.map((chain, c) => `${c}-${chain.length - 1}`) },
]

globalThis.AI_SDK_LOG_WARNINGS = false

/** Asks a model that takes that long. */
async function open() {
  const times = new Set([...Object.values(views).flat(), ...chains.flat(), joinMs])
  const models = Object.fromEntries([...times].map((ms) => [`ms${ms}`, { firstToken: ms, tokensPerSecond: 1e6 }]))
  const provider = await startProvider({ models: { ...models, warm: { firstToken: 1 } } })
  const sdk = createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL, includeUsage: true })
  const pools = new Map([...times].map((ms) => [ms, pool(sdk(`ms${ms}`))]))
  for (let i = 0; i < 30; i++) await ask(pool(sdk('warm')), 'x')
  return { step: (ms) => ask(pools.get(Number(ms)), 'How long?'), close: () => provider.close() }
}

/** @param {(step: (ms: number) => Promise<string>, size: string) => Promise<unknown>} run @param {'views' | 'plan'} kind */
function contender(kind, run) {
  return async (size) => {
    if ((size === 'plan') !== (kind === 'plan')) return undefined
    const { step, close } = await open()
    return { run: () => run(step, size), close }
  }
}

const sized = (step, size) => views[size].map((ms) => () => step(ms))

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'views of one text, and agents on a plan (simulated)',
  reference: 'ideal',
  rounds: 3,
  warmups: 0,
  cases: { 'views, 3': 'views, 3', 'views, 5': 'views, 5', plan: 'plan' },
  contenders: {
    ideal: async (size) => {
      const { step, close } = await open()
      // What must be waited for in any case, by itself: on this machine, too, a call takes longer than the model.
      const alone = size === 'plan' ? critical : [Math.max(...views[size])]
      return {
        async run() {
          for (const ms of alone) await step(ms)
        },
        close,
      }
    },
    'heddle perspectives': contender('views', (step, size) =>
      perspectives('text', Object.fromEntries(sized(step, size).map((view, i) => [`view${i}`, view]))),
    ),
    'Promise.all': contender('views', (step, size) => Promise.all(sized(step, size).map((view) => view()))),
    'one after the other': contender('views', async (step, size) => {
      for (const view of sized(step, size)) await view()
    }),
    'heddle team': contender('plan', (step) => team(plan, { step })),
    'level by level': contender('plan', async (step) => {
      for (let level = 0; level < 4; level++) await Promise.all(chains.map((chain) => step(chain[level])))
      await step(joinMs)
    }),
    'task by task': contender('plan', async (step) => {
      for (const { input } of plan) await step(Number(input))
    }),
  },
  targets: (results) => [
    { what: 'perspectives of 3 / slowest', got: results.ratio('heddle perspectives', 'ideal', 'views, 3'), atMost: 1.05 },
    {
      what: 'perspectives of 5 / one after the other',
      got: results.ratio('heddle perspectives', 'one after the other', 'views, 5'),
      atMost: 0.4,
    },
    { what: 'team / critical path', got: results.ratio('heddle team', 'ideal', 'plan'), atMost: 1.03 },
    { what: 'level by level / team', got: results.ratio('level by level', 'heddle team', 'plan'), atLeast: 1.5 },
  ],
}
