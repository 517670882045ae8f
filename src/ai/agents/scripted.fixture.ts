/** A model whose answers a test writes: texts, and calls of several tools at once. */
import type { LanguageModelV3, LanguageModelV3CallOptions, LanguageModelV3StreamPart } from '@ai-sdk/provider'
import { streamOf, usageOf } from '../pool/mock.fixture.ts'

export interface Turn {
  readonly text?: string
  readonly calls?: readonly { readonly tool: string; readonly input: unknown }[]
  /** What every call is called. @default each another */
  readonly callId?: string
}

/** What a model is asked: the texts of the user, what tools gave since, and whether it may use tools. */
export interface Asked {
  readonly prompt: string
  readonly results: readonly unknown[]
  readonly mayUseTools: boolean
}

export interface ScriptedModel extends LanguageModelV3 {
  /** Calls so far. */
  calls: number
}

export function scripted(say: (asked: Asked) => Turn): ScriptedModel {
  let ids = 0
  return {
    specificationVersion: 'v3',
    provider: 'scripted',
    modelId: 'scripted',
    supportedUrls: {},
    calls: 0,
    doGenerate: () => Promise.reject(new Error('Only streams')),
    async doStream(options) {
      this.calls++
      const { text, calls = [], callId } = say(askedOf(options))
      const parts: LanguageModelV3StreamPart[] = [
        { type: 'stream-start', warnings: [] },
        { type: 'response-metadata', id: 'r', timestamp: new Date(0), modelId: 'scripted' },
      ]
      if (text !== undefined)
        parts.push(
          { type: 'text-start', id: '0' },
          ...[...text.matchAll(/\S+\s*/g)].map(([delta]) => ({ type: 'text-delta', id: '0', delta }) as const),
          { type: 'text-end', id: '0' },
        )
      for (const { tool, input } of calls)
        parts.push({ type: 'tool-call', toolCallId: callId ?? `call-${++ids}`, toolName: tool, input: JSON.stringify(input) })
      const reason = calls.length > 0 ? 'tool-calls' : 'stop'
      parts.push({ type: 'finish', finishReason: { unified: reason, raw: reason }, usage: usageOf(10, 5) })
      return { stream: streamOf(parts) }
    },
  }
}

function askedOf({ prompt, tools, toolChoice }: LanguageModelV3CallOptions): Asked {
  const texts = prompt.flatMap((message) =>
    message.role === 'user' ? message.content.map((part) => (part.type === 'text' ? part.text : '')) : [],
  )
  const results = prompt.flatMap((message) =>
    message.role === 'tool'
      ? message.content.map((part) => (part.type === 'tool-result' && 'value' in part.output ? part.output.value : undefined))
      : [],
  )
  return { prompt: texts.join(' '), results, mayUseTools: (tools?.length ?? 0) > 0 && toolChoice?.type !== 'none' }
}
