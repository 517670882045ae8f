/**
 * The prompt cache of a provider: the beginning of a prompt that was seen a short while ago is cheaper and faster. It is filled
 * when the first token of a call appears, so calls that start together all miss it.
 *
 * OpenAI caches every beginning from 1,024 tokens up, in steps of 128, and charges nothing for it. Anthropic caches the beginnings that a request
 * names, from 1,024 tokens up, and charges for writing them.
 */
import { Recent } from '../../base/recent.ts'
import { createHash } from 'node:crypto'
import type { CachedBeginning, ModelRequest } from './request.ts'

const blockCharacters = 512
const blockTokens = 128
const leastTokens = 1_024
const keptMs = 300_000

/** What a request reads from the cache and writes to it. */
export interface CacheUse {
  readonly beginnings: readonly CachedBeginning[]
  readonly read: number
  /** Tokens that are charged as written; 0 where caching is free. */
  readonly written: number
}

/** Beginnings that are remembered, each as a hash; chosen. A simulator may run for weeks. */
const mostKept = 100_000

export class PromptCache {
  /** From the hash of a beginning to when it is forgotten. */
  readonly #until = new Recent<string, number>(mostKept)

  /** What a request would read and write now. */
  use(request: ModelRequest, now: number): CacheUse {
    const beginnings = beginningsOf(request)
    const read = Math.max(0, ...beginnings.filter(({ hash }) => (this.#until.get(hash) ?? 0) > now).map(({ tokens }) => tokens))
    if (request.cache === 'every-beginning') return { beginnings, read: Math.min(request.inputTokens, read), written: 0 }
    const all = Math.min(request.inputTokens, beginnings.findLast(({ named }) => named)?.tokens ?? 0)
    return { beginnings, read: Math.min(all, read), written: Math.max(0, all - read) }
  }

  fill({ beginnings }: CacheUse, now: number): void {
    for (const { hash, named } of beginnings) if (named) this.#until.set(hash, now + keptMs)
  }
}

function beginningsOf(request: ModelRequest): readonly CachedBeginning[] {
  if (request.cache === 'every-beginning') return everyBeginning(request.messages.map((message) => message.text).join('\n'))
  return request.cache.filter(({ tokens }) => tokens >= leastTokens)
}

/** One per block: of everything up to its end. */
function everyBeginning(prompt: string): readonly CachedBeginning[] {
  const whole = Math.floor(prompt.length / blockCharacters)
  if (whole * blockTokens < leastTokens) return []
  const hash = createHash('sha256')
  return Array.from({ length: whole }, (_, i) => ({
    hash: hash
      .update(prompt.slice(i * blockCharacters, (i + 1) * blockCharacters))
      .copy()
      .digest('base64'),
    tokens: (i + 1) * blockTokens,
    named: true,
  })).filter(({ tokens }) => tokens >= leastTokens)
}
