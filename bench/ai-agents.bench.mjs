/**
 * A team of five agents that use tools, against its critical path, and the first event of a followed answer against its first token. SIMULATED: a
 * provider on this machine, in a process of its own.
 *
 *   a   b   c
 *    \ /   /
 *     d   /
 *      \ /
 *       e
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { tool } from 'ai'
import { agent, ask, follow, pool, team } from 'heddle/ai'
import { z } from 'zod'
import { startProvider } from './ai/provider.mjs'

globalThis.AI_SDK_LOG_WARNINGS = false
const toolMs = 200
const inputs = {
  a: 'Use lookup for tea',
  b: 'Use lookup for water',
  c: 'Use lookup for cups',
  d: 'Use lookup for both',
  e: 'Use lookup for all',
}
const needs = { d: ['a', 'b'], e: ['c', 'd'] }
const critical = ['a', 'd', 'e']

async function open() {
  const provider = await startProvider({ firstToken: 300, tokensPerSecond: 200 })
  const model = pool(createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL, includeUsage: true })('small'))
  const lookup = tool({
    inputSchema: z.object({ what: z.string() }),
    execute: () => new Promise((resolve) => setTimeout(() => resolve('found'), toolMs)),
  })
  const member = agent(model, { tools: { lookup } })
  await member(inputs.a)
  return { provider, model, member }
}

async function teamAgainstPath() {
  const { provider, member } = await open()
  const alone = {}
  for (const [id, input] of Object.entries(inputs)) {
    const from = performance.now()
    await member(input)
    alone[id] = performance.now() - from
  }
  const plan = Object.entries(inputs).map(([id, input]) => ({ id, agent: 'member', input, needs: needs[id] ?? [] }))
  const from = performance.now()
  await team(plan, { member })
  const tookMs = performance.now() - from
  await provider.close()
  const pathMs = critical.reduce((sum, id) => sum + alone[id], 0)
  const sumMs = Object.values(alone).reduce((sum, ms) => sum + ms, 0)
  return { figure: tookMs / pathMs, 'one after the other': sumMs / pathMs }
}

async function firstEvent() {
  const { provider, model } = await open()
  let tokenAt = 0
  const watched = {
    specificationVersion: model.specificationVersion,
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    doGenerate: (options) => model.doGenerate(options),
    async doStream(options) {
      const result = await model.doStream(options)
      const note = new TransformStream({
        transform(part, controller) {
          if (part.type === 'text-delta') tokenAt ||= performance.now()
          controller.enqueue(part)
        },
      })
      return { ...result, stream: result.stream.pipeThrough(note) }
    },
  }
  const run = follow(() => ask(watched, 'Say something of some length, please'))
  let eventAt = 0
  for await (const event of run.events) if (event.type === 'text') eventAt ||= performance.now()
  await provider.close()
  return { figure: 1, 'ms to the first event': eventAt - tokenAt }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'A team of five agents with tools against its critical path; the first event against the first token (simulated)',
  unit: '× critical path',
  reference: 'team',
  rounds: 5,
  warmups: 1,
  contenders: {
    team: async () => ({ measure: teamAgainstPath }),
    'first event': async () => ({ measure: firstEvent }),
  },
  targets: (results) => [
    { what: 'team, × critical path', got: results.median('team'), atMost: 1.05 },
    {
      what: 'first event, ms after the first token',
      got: results.median('first event', undefined, 'ms to the first event'),
      atMost: 50,
    },
  ],
}
