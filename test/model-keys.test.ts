/** A key goes to the provider and nowhere else: not even into the trace of a run whose calls failed because of it. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText } from 'ai'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { pool } from '../src/ai/index.ts'
import { map } from '../src/run/map.ts'
import { record, saveTrace } from '../src/trace/index.ts'

test('the trace of failed model calls holds no key, and nothing was printed', async () => {
  const apiKey = 'sk-proj-0123456789abcdef'
  // Some providers repeat the key in what they answer.
  const fetch = async (): Promise<Response> =>
    Response.json({ error: { message: `Incorrect API key provided: ${apiKey}.` } }, { status: 401 })
  const model = pool(createOpenAICompatible({ name: 'any', baseURL: 'http://127.0.0.1:1', apiKey, fetch })('small'))
  const printed = (['log', 'warn', 'error', 'info', 'debug'] as const).map((name) => vi.spyOn(console, name))
  const { trace } = await record(async () =>
    map(['a', 'b'], async (prompt) => generateText({ model, prompt }), { onFailure: 'settle' }),
  )
  const file = join(tmpdir(), `heddle-keys-${process.pid}.heddle`)
  saveTrace(trace, file)
  const bytes = await readFile(file)
  expect(bytes.length).toBeGreaterThan(0)
  expect(bytes.includes(apiKey)).toBe(false)
  expect(JSON.stringify(printed.map(({ mock }) => mock.calls))).not.toContain(apiKey)
  vi.restoreAllMocks()
})
