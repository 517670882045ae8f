/** Many texts in requests of some texts each, side by side, keeping what succeeded: what pools and batches of embedding models share. */
import { describe, InvalidOption, ModelCallFailed } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { keepPartial } from '../../run/failure.ts'
import { map } from '../../run/map.ts'
import type { SettledMap } from '../../run/outcome.ts'
import type { AnyEmbeddingModel, EmbedOptions, EmbedResult, Usage } from '../model/sdk-model.ts'

/** Options of {@link EmbedsAll.embedAll}. */
export interface EmbedAllOptions {
  /** `'stop'`: the first failure is what it rejects with. `'settle'`: every text's outcome comes back. @default 'stop' */
  readonly onFailure?: 'stop' | 'settle'
  /** Cancels what is under way, and sends nothing more. */
  readonly signal?: AbortSignal
}

/** The common part of an embedding model of the AI SDK and of the models made of it. */
export type EmbeddingFace<M extends AnyEmbeddingModel> = Pick<
  M,
  keyof M & (keyof AnyEmbeddingModel | 'maxEmbeddingsPerCall' | 'supportsParallelCalls')
>

/** Takes any number of texts. */
export interface EmbedsAll {
  /**
   * The embeddings of all texts, in their order. A request that is refused is split, until only the texts that are at fault fail.
   * @throws the first failure, when all others have settled; `partialResults(error)` has what succeeded
   */
  embedAll(
    texts: readonly string[],
    options: EmbedAllOptions & { readonly onFailure: 'settle' },
  ): Promise<SettledMap<number[], string>>
  embedAll(texts: readonly string[], options?: EmbedAllOptions): Promise<number[][]>
}

/** How the texts travel. */
export interface Embedding {
  /** Texts per request. */
  readonly size: number
  /** Requests that may be on their way or wait at once. */
  readonly ahead: number
  readonly request: (options: EmbedOptions) => Promise<EmbedResult>
}

interface Part {
  readonly at: number
  readonly values: readonly string[]
}

/** As `doEmbed` of the SDK's models, for any number of texts. @throws as {@link EmbedsAll.embedAll} */
export async function embedMany(embedding: Embedding, options: EmbedOptions): Promise<EmbedResult> {
  const { results, tokens } = await embed(embedding, options)
  return { embeddings: valuesOf(results), usage: { tokens }, warnings: [] } as EmbedResult
}

/** @throws {InvalidOption} @throws as {@link EmbedsAll.embedAll} */
export async function embedAll(
  texts: readonly string[],
  options: EmbedAllOptions,
  embedding: () => Promise<Embedding>,
): Promise<number[][] | SettledMap<number[], string>> {
  checkOptions<EmbedAllOptions>(options, { onFailure: rules.oneOf('stop', 'settle'), signal: rules.signal }, 'embedAll')
  if (!Array.isArray(texts)) throw new InvalidOption(`Expected embedAll to get a list of texts, got ${describe(texts)}`)
  const { results } = await embed(await embedding(), { values: texts, abortSignal: options.signal })
  if (options.onFailure !== 'settle') return valuesOf(results)
  const ok = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ index, item: texts[index] as string, error: result.reason as unknown }] : [],
  )
  return { results, ok, failed }
}

async function embed(
  { size, ahead, request }: Embedding,
  options: EmbedOptions,
): Promise<{ readonly results: PromiseSettledResult<number[]>[]; readonly tokens: number }> {
  const results: PromiseSettledResult<number[]>[] = []
  let tokens = 0
  const parts: Part[] = []
  for (let at = 0; at < options.values.length; at += size) parts.push({ at, values: options.values.slice(at, at + size) })
  const one = async ({ at, values }: Part): Promise<void> => {
    try {
      const result = await request({ ...options, values })
      const { embeddings } = result
      if (embeddings.length !== values.length) throw wrongCount(values.length, embeddings.length)
      tokens += embeddingUsage(result)?.input ?? 0
      embeddings.forEach((value, i) => (results[at + i] = { status: 'fulfilled', value: value as number[] }))
    } catch (error) {
      if (values.length > 1 && isRejected(error)) {
        const half = Math.ceil(values.length / 2)
        await Promise.all([one({ at, values: values.slice(0, half) }), one({ at: at + half, values: values.slice(half) })])
      } else values.forEach((_, i) => (results[at + i] = { status: 'rejected', reason: error }))
    }
  }
  await map(parts, one, {
    concurrency: ahead,
    name: 'embed',
    ...(options.abortSignal && { signal: options.abortSignal }),
  })
  return { results, tokens }
}

/** Undefined where the provider did not say. */
export function embeddingUsage({ usage }: EmbedResult): Usage | undefined {
  const tokens = usage?.tokens
  return tokens !== undefined && tokens >= 0 && Number.isFinite(tokens) ? { input: tokens, cached: 0, output: 0 } : undefined
}

/** The provider has read the request and does not want it: some text in it is at fault. */
function isRejected(error: unknown): boolean {
  return (
    error instanceof ModelCallFailed &&
    error.failure === 'rejected' &&
    error.statusCode !== 401 &&
    error.statusCode !== 403 &&
    error.statusCode !== 404
  )
}

function wrongCount(asked: number, got: number): ModelCallFailed {
  return new ModelCallFailed(`The provider gave ${got} embeddings for ${asked} texts`, { failure: 'rejected' })
}

function valuesOf(results: readonly PromiseSettledResult<number[]>[]): number[][] {
  const at = results.findIndex((result) => result.status === 'rejected')
  const values = results.map((result) => (result.status === 'fulfilled' ? result.value : undefined))
  if (at === -1) return values as number[][]
  const { reason } = results[at] as PromiseRejectedResult
  keepPartial(reason, { results: values, completed: values.filter((value) => value !== undefined).length, failed: at })
  throw reason
}
