/** Which batch API belongs to the address that a model's client sends to. */
import type { BatchApi, BatchTarget } from './batch-api.ts'
import { anthropicBatch } from './anthropic.ts'
import { geminiBatch } from './gemini.ts'
import { openaiBatch } from './openai.ts'

/** Undefined where no batch API is known. */
export function apiOf(address: string): (BatchTarget & { readonly api: BatchApi }) | undefined {
  const url = new URL(address)
  const path = url.pathname.replace(/\/$/, '')
  const below = (length: number): string => `${url.origin}${path.slice(0, path.length - length)}`
  for (const [ending, api] of endings)
    if (path.endsWith(ending)) return { api, base: below(ending.length), endpoint: `/v1${ending}` }
  const [all = '', model, verb = ''] = /(\/models\/[^/:]{1,200}):(generateContent|embedContent)$/.exec(path) ?? []
  if (model === undefined) return undefined
  const batched = verb === 'embedContent' ? 'asyncBatchEmbedContent' : 'batchGenerateContent'
  return { api: geminiBatch, base: below(all.length), endpoint: `${model}:${batched}` }
}

const endings: readonly (readonly [string, BatchApi])[] = [
  ['/chat/completions', openaiBatch],
  ['/responses', openaiBatch],
  ['/embeddings', openaiBatch],
  ['/messages', anthropicBatch],
]
