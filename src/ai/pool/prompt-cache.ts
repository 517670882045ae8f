/**
 * Prompt caches of providers, used deliberately. Providers keep the beginning of a prompt that they have read, and charge a tenth to a half for reading it again. What
 * a program can do for that, this does to every call of a pool:
 *
 * - equal beginnings stay equal: tools go in the order of their names, whatever order they came in;
 * - Anthropic caches where a request asks for it, so the system prompt (with the tools before it) is marked, and the end of a conversation that goes on;
 * - OpenAI finds caches by the beginning and a key, so calls with one beginning get one key;
 * - a beginning is in the cache when the first call with it begins to be answered, so the others wait for that call (`warm`).
 *
 * What a caller has marked is left as it is.
 */
import { createHash } from 'node:crypto'
import { Cancellation, sleep } from '../../base/abort.ts'
import type { Duration } from '../../base/duration.ts'
import { performance } from '../../base/globals.js'
import { isList, peek } from '../../base/look.js'
import { checkOptions, rules } from '../../base/options.ts'
import { Recent } from '../../base/recent.ts'
import type { CallOptions } from '../model/sdk-model.ts'
import { estimateInput } from './estimate.ts'
import { writesCache } from './spending-bound.ts'

/** How the prompt caches of providers are used. */
export interface PromptCacheOptions {
  /** How long the provider keeps a beginning that is not asked for. An hour costs more to write at Anthropic. @default '5m' */
  readonly ttl?: '5m' | '1h'
  /**
   * The first call with a beginning goes ahead; the others wait until its answer begins (of one that is not streamed, until it is there), half a minute at most.
   * @default false
   */
  readonly warm?: boolean
}

/** @throws {InvalidOption} */
export function promptCacheOf(given: boolean | PromptCacheOptions | undefined): PromptCaching | undefined {
  if (given === undefined || given === false) return undefined
  const options = given === true ? {} : given
  checkOptions<PromptCacheOptions>(options, { ttl: rules.oneOf('5m', '1h'), warm: rules.boolean }, '`promptCache` of pool')
  return new PromptCaching(options)
}

export const promptCacheRule = rules.either(rules.boolean, rules.object)

/** Providers cache nothing shorter (OpenAI's and Anthropic's guides, 2026; some models of Anthropic from 2,048 or 4,096 on). */
const leastTokens = 1_024
/** Beginnings that are remembered, each as a hash. Chosen. */
const mostKept = 10_000
const ttlMs = { '5m': 300_000, '1h': 3_600_000 } satisfies Record<string, Duration>
const longestWaitMs = 30_000

export class PromptCaching {
  readonly #ttl: '5m' | '1h'
  readonly #warms: boolean
  /** From the beginning to when the provider forgets it. */
  readonly #warmUntil = new Recent<string, number>(mostKept)
  readonly #warming = new Map<string, Promise<void>>()

  constructor({ ttl = '5m', warm = false }: PromptCacheOptions) {
    this.#ttl = ttl
    this.#warms = warm
  }

  /** The call as it is sent. */
  marked(options: CallOptions): CallOptions {
    const tools = isList(options.tools) ? (options.tools as readonly unknown[]).toSorted(byName) : options.tools
    const beginning = beginningOf(options.prompt, tools)
    const openai = { promptCacheKey: beginning, ...(peek(options.providerOptions, 'openai') as object | undefined) }
    return {
      ...options,
      ...(tools !== undefined && { tools }),
      ...(writesCache(options.prompt, tools) === 'no' && { prompt: this.#markedPrompt(options.prompt) }),
      ...(beginning !== undefined && { providerOptions: { ...(options.providerOptions as object | undefined), openai } }),
    }
  }

  /** Waits for the call that fills the cache, or is that call: then what it gives is to be called when the answer begins, or does not. */
  async turn({ prompt, tools, abortSignal }: CallOptions): Promise<(began: boolean) => void> {
    const beginning = this.#warms ? beginningOf(prompt, tools) : undefined
    if (beginning === undefined) return () => {}
    const cancellation = new Cancellation(Cancellation.of(abortSignal))
    try {
      while ((this.#warmUntil.get(beginning) ?? 0) <= performance.now()) {
        const other = this.#warming.get(beginning)
        if (!other) return this.#lead(beginning)
        await Promise.race([other, sleep(longestWaitMs, cancellation.signal).then(() => this.#warmed(beginning))])
      }
      this.#warmed(beginning)
      return () => {}
    } finally {
      cancellation.close()
    }
  }

  #lead(beginning: string): (began: boolean) => void {
    let done = (): void => {}
    this.#warming.set(beginning, new Promise((resolve) => (done = resolve)))
    return (began) => {
      if (began) this.#warmed(beginning)
      this.#warming.delete(beginning)
      done()
    }
  }

  #warmed(beginning: string): void {
    this.#warmUntil.set(beginning, performance.now() + ttlMs[this.#ttl])
  }

  /** The last message of the system, and the last message of a conversation that has begun. */
  #markedPrompt(prompt: unknown): unknown {
    if (!isList(prompt)) return prompt
    const messages = prompt as readonly { readonly role?: unknown; readonly providerOptions?: object }[]
    const system = messages.findLastIndex(({ role }) => role === 'system')
    const goesOn = messages.some(({ role }) => role === 'assistant')
    return messages.map((message, i) =>
      i === system || (goesOn && i === messages.length - 1) ? { ...message, providerOptions: this.#mark(message) } : message,
    )
  }

  #mark({ providerOptions }: { readonly providerOptions?: object }): object {
    const cacheControl = { type: 'ephemeral', ...(this.#ttl === '1h' && { ttl: '1h' }) }
    return { ...providerOptions, anthropic: { ...(peek(providerOptions, 'anthropic') as object | undefined), cacheControl } }
  }
}

/** What calls of one kind have in common: tools and system prompt. Undefined where that is too short to be cached. */
function beginningOf(prompt: unknown, tools: unknown): string | undefined {
  const system = isList(prompt)
    ? (prompt as readonly { readonly role?: unknown; readonly content?: unknown }[]).filter(({ role }) => role === 'system')
    : []
  if (estimateInput(system, tools).inputAtMost < leastTokens) return undefined
  const said = JSON.stringify([system.map(({ content }) => content), tools ?? null])
  return createHash('sha256').update(said).digest('hex').slice(0, 32)
}

function byName(a: unknown, b: unknown): number {
  const [x, y] = [String(peek(a, 'name')), String(peek(b, 'name'))]
  return x < y ? -1 : x > y ? 1 : 0
}
