/** Models for tests: what they do is a function. */
import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
} from '@ai-sdk/provider'
import { APICallError } from 'ai'

export type Generate = (
  options: LanguageModelV3CallOptions,
) => LanguageModelV3GenerateResult | Promise<LanguageModelV3GenerateResult>

/** A model whose `doGenerate` is `generate`; its stream gives the same answer in one piece. `calls` counts what it is asked. */
export function mockModel(id: string, generate: Generate): LanguageModelV3 & { calls: number } {
  return {
    specificationVersion: 'v3',
    provider: 'mock',
    modelId: id,
    supportedUrls: {},
    calls: 0,
    async doGenerate(options) {
      this.calls++
      return generate(options)
    },
    async doStream(options) {
      this.calls++
      const { content, finishReason, usage } = await generate(options)
      const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('')
      return {
        stream: streamOf([
          { type: 'stream-start', warnings: [] },
          { type: 'text-start', id: '0' },
          { type: 'text-delta', id: '0', delta: text },
          { type: 'text-end', id: '0' },
          { type: 'finish', finishReason, usage },
        ]),
      }
    },
  }
}

/** The parts, and then the end; or the error instead of it. */
export function streamOf(
  parts: readonly LanguageModelV3StreamPart[],
  error?: unknown,
): ReadableStream<LanguageModelV3StreamPart> {
  const left = [...parts]
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setImmediate(resolve))
      const part = left.shift()
      if (part) controller.enqueue(part)
      else if (error !== undefined) controller.error(error)
      else controller.close()
    },
  })
}

export function usageOf(input: number, output: number): LanguageModelV3GenerateResult['usage'] {
  return {
    inputTokens: { total: input, noCache: input, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: output, text: output, reasoning: undefined },
  }
}

export function answer(text: string, usage = usageOf(10, 1)): LanguageModelV3GenerateResult {
  return { content: [{ type: 'text', text }], finishReason: { unified: 'stop', raw: 'stop' }, usage, warnings: [] }
}

export async function answerAfter(ms: number, text: string): Promise<LanguageModelV3GenerateResult> {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return answer(text)
}

/** What a client of the AI SDK throws for an answer with an error. */
export function apiError(statusCode: number, body: unknown = {}, responseHeaders: Record<string, string> = {}): APICallError {
  return new APICallError({
    message: `said ${statusCode}`,
    url: 'http://mock',
    requestBodyValues: {},
    statusCode,
    responseBody: typeof body === 'string' ? body : JSON.stringify(body),
    responseHeaders,
  })
}
