/**
 * 2,000 calls of a language model under limits of requests and tokens per minute. SIMULATED: a provider on this machine, its
 * time and that of the caller sped up; no figure here says anything about a real provider.
 *
 * Ideal: what the provider's buckets could let through at best, and the latency of one call on top.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText } from 'ai'
import { map } from 'heddle'
import { pool } from 'heddle/ai'
import { dilate } from './ai/dilate.mjs'
import { startProvider } from './ai/provider.mjs'

/** What this machine takes for its own work counts twice as well: at 3, a busy one is late by what no provider is. */
const scale = 2
const calls = 2_000
/** What the contenders are told to keep under way, as their users would: enough for the limit at the usual latency. */
const concurrency = 40
const limits = { requestsPerMinute: 1_000, tokensPerMinute: 300_000 }
const maxOutputTokens = 150
/** Of every call: 0.5 s to the first of 80 tokens, then 80 per second. */
const latencyMs = 1_500

globalThis.AI_SDK_LOG_WARNINGS = false

const prompts = Array.from({ length: calls }, (_, i) => `Document ${i}. ${'Some words about it. '.repeat(i % 40)}`)

/**
 * Runs one contender in simulated time.
 * @param {(baseURL: string, id: string) => any} open gives what asks the model of that id
 * @param {(ask: any) => Promise<number | { succeeded: number, rest: Promise<unknown> }>} run gives how many succeeded, and what
 *   still goes on in the background and is paid for
 */
function contender(open, run) {
  return async () => ({
    measure: async () => {
      const provider = await startProvider({
        timeScale: scale,
        scaleHeaders: false,
        models: {
          small: { limits, firstToken: 500, tokensPerSecond: 80, outputTokens: { median: 80, sigma: 0 } },
          warm: { firstToken: 10 },
        },
      })
      dilateOnce()
      // The machine's work is not sped up, so nobody shall be measured cold; the model that is warmed up with has no limits.
      const warm = await open(provider.baseURL, 'warm')
      await Promise.all(prompts.slice(0, 200).map((prompt) => warm(prompt)))
      const ask = await open(provider.baseURL, 'small')
      const started = performance.now()
      const outcome = await run(ask)
      const tookMs = performance.now() - started
      const { succeeded, rest } = typeof outcome === 'number' ? { succeeded: outcome, rest: undefined } : outcome
      await rest
      const stats = await provider.stats('small')
      await provider.close()
      const { requests, answered, inputTokens, outputTokens } = stats
      return {
        figure: tookMs / (idealMs() + latencyMs),
        'simulated s': tookMs / 1_000,
        failed: calls - succeeded,
        '429 %': ((stats.refused.requests + stats.refused.tokens) / requests) * 100,
        // Paid for, and in nobody's hands: what went to answers that were lost or broken off.
        'wasted tokens': (inputTokens + outputTokens) * (1 - succeeded / Math.max(1, answered + stats.broken)),
      }
    },
  })
}

let dilated = false
function dilateOnce() {
  if (!dilated) dilate(scale)
  dilated = true
}

/** Buckets start full, and let through `capacity + rate × time`. */
function idealMs() {
  const tokens = prompts.reduce((sum, prompt) => sum + Math.max(maxOutputTokens, Math.ceil(prompt.length / 4)), 0)
  const { requestsPerMinute, tokensPerMinute } = limits
  return Math.max((calls - requestsPerMinute) / requestsPerMinute, (tokens - tokensPerMinute) / tokensPerMinute) * 60_000
}

const sdkModel = (baseURL, id) => createOpenAICompatible({ name: 'simulated', baseURL, includeUsage: true })(id)
const count = (outcomes) => outcomes.filter((outcome) => outcome.status === 'fulfilled').length

const withHeddle = (options) =>
  contender(
    (baseURL, id) => {
      const model = pool(sdkModel(baseURL, id), options)
      return (prompt) => generateText({ model, prompt, maxOutputTokens })
    },
    async (ask) => (await map(prompts, (prompt) => ask(prompt), { concurrency: Infinity, onFailure: 'settle' })).ok.length,
  )

async function chatOpenAI(baseURL, id) {
  const { ChatOpenAI } = await import('@langchain/openai')
  return new ChatOpenAI({ model: id, apiKey: 'any', configuration: { baseURL }, maxTokens: maxOutputTokens })
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${calls} model calls under limits of ${limits.requestsPerMinute} requests and ${limits.tokensPerMinute} tokens per minute (simulated)`,
  unit: '× ideal',
  reference: 'heddle (learned)',
  rounds: 1,
  warmups: 0,
  contenders: {
    'heddle (learned)': withHeddle({}),
    'heddle (given)': withHeddle({ limits }),
    'p-limit + SDK retries': contender(
      (baseURL, id) => {
        const model = sdkModel(baseURL, id)
        return (prompt) => generateText({ model, prompt, maxOutputTokens })
      },
      async (ask) => {
        const { default: pLimit } = await import('p-limit')
        const limit = pLimit(concurrency)
        return count(await Promise.allSettled(prompts.map((prompt) => limit(() => ask(prompt)))))
      },
    ),
    // As plain as most write it: the first failure is all that comes back, while the other calls go on.
    'Promise.all + SDK retries': contender(
      (baseURL, id) => {
        const model = sdkModel(baseURL, id)
        return (prompt) => generateText({ model, prompt, maxOutputTokens })
      },
      async (ask) => {
        const asked = prompts.map(ask)
        const succeeded = await Promise.all(asked).then(
          (answers) => answers.length,
          () => 0,
        )
        return { succeeded, rest: Promise.allSettled(asked) }
      },
    ),
    'LangChain batch': contender(
      async (baseURL, id) => {
        const model = await chatOpenAI(baseURL, id)
        return Object.assign((prompt) => model.invoke(prompt), { model })
      },
      async (ask) => {
        const results = await ask.model.batch(prompts, { maxConcurrency: concurrency }, { returnExceptions: true })
        return results.filter((result) => !(result instanceof Error)).length
      },
    ),
    'LangGraph Send': contender(
      async (baseURL, id) => {
        const model = await chatOpenAI(baseURL, id)
        return (prompt) => model.invoke(prompt)
      },
      async (ask) => {
        const { Annotation, END, Send, START, StateGraph } = await import('@langchain/langgraph')
        const state = Annotation.Root({
          succeeded: Annotation({ reducer: (a, b) => a + b, default: () => 0 }),
          prompt: Annotation(),
        })
        const graph = new StateGraph(state)
          .addNode('ask', async ({ prompt }) => ({
            succeeded: await ask(prompt).then(
              () => 1,
              () => 0,
            ),
          }))
          .addConditionalEdges(START, () => prompts.map((prompt) => new Send('ask', { prompt })))
          .addEdge('ask', END)
          .compile()
        const { succeeded } = await graph.invoke({}, { maxConcurrency: concurrency })
        return succeeded
      },
    ),
  },
  targets: (results) => [
    { what: 'limits given, × ideal', got: results.median('heddle (given)'), atMost: 1.03 },
    { what: 'limits learned, × ideal', got: results.median('heddle (learned)'), atMost: 1.1 },
    { what: 'limits learned, 429s in %', got: results.median('heddle (learned)', undefined, '429 %'), atMost: 0.5 },
    { what: 'limits given, 429s in %', got: results.median('heddle (given)', undefined, '429 %'), atMost: 0.5 },
    { what: 'limits given, failed', got: results.median('heddle (given)', undefined, 'failed'), atMost: 0 },
  ],
}
