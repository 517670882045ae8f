/** One of several programs with one account: makes its calls as fast as it is let. Arguments: base URL, calls, what `shareLimits` gets. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText } from 'ai'
import { map } from 'heddle'
import { pool, shareLimits } from 'heddle/ai'

globalThis.AI_SDK_LOG_WARNINGS = false
const [baseURL, calls, options] = process.argv.slice(2)
const share = options === 'null' ? undefined : shareLimits(JSON.parse(options))
const model = pool(createOpenAICompatible({ name: 'simulated', baseURL, includeUsage: true })('small'), share ? { share } : {})
const prompts = Array.from({ length: Number(calls) }, (_, i) => `Document ${process.pid} ${i}`)
const startedAt = Date.now()
const { ok } = await map(prompts, (prompt) => generateText({ model, prompt, maxOutputTokens: 100, maxRetries: 0 }), {
  concurrency: Infinity,
  onFailure: 'settle',
})
const { attempts, rateLimited } = model.report()
console.log(JSON.stringify({ succeeded: ok.length, attempts, rateLimited, startedAt, endedAt: Date.now() }))
await share?.close()
