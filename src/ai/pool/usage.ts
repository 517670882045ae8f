/** The usage of a call, as its provider reports it: tokens in the shapes of the SDK's versions, the tier, and what a gateway has billed. */
import { read } from './answer.ts'
import type { HeaderBag } from './limits/headers.ts'
import type { Told, Usage } from '../model/sdk-model.ts'

/** Undefined where the provider did not say. */
export function usageOf({ usage, providerMetadata, headers }: Told): Usage | undefined {
  const inputs = usage?.inputTokens
  const input = amount(typeof inputs === 'object' ? inputs.total : inputs)
  const outputs = usage?.outputTokens
  const visible = amount(typeof outputs === 'object' ? outputs.total : outputs)
  if (input === undefined && visible === undefined) return undefined
  // In V2 some providers leave reasoning out of the output, but not out of the sum.
  const rest = (amount(usage?.totalTokens) ?? 0) - (input ?? 0)
  const details = typeof inputs === 'object' ? inputs : undefined
  const reasoning = amount(typeof outputs === 'object' ? outputs.reasoning : usage?.reasoningTokens) ?? 0
  const written =
    amount(details?.cacheWrite) ?? amount(read(read(providerMetadata, 'anthropic'), 'cacheCreationInputTokens')) ?? 0
  const hour = amount(read(read(usage?.raw, 'cache_creation'), 'ephemeral_1h_input_tokens')) ?? 0
  return {
    input: input ?? 0,
    cached: amount(details?.cacheRead) ?? amount(usage?.cachedInputTokens) ?? 0,
    output: Math.max(visible ?? 0, usage?.totalTokens === undefined ? 0 : rest),
    ...(reasoning > 0 && { reasoning }),
    written,
    writtenForHour: Math.min(written, hour),
    tier: tierOf(usage?.raw, providerMetadata),
    usd: billed(usage?.raw, providerMetadata, headers),
  }
}

/** A number of tokens or dollars, else unknown: what is not one must not get into a sum. */
function amount(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,12}(?:\.\d{1,20})?$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : undefined
}

function tierOf(raw: unknown, metadata: unknown): string | undefined {
  for (const part of [raw, ...partsOf(metadata)])
    for (const name of ['service_tier', 'serviceTier']) {
      const tier = read(part, name)
      if (typeof tier === 'string') return tier
    }
  return undefined
}

function partsOf(metadata: unknown): unknown[] {
  return typeof metadata === 'object' && metadata !== null ? Object.values(metadata).slice(0, 16) : []
}

/**
 * Vercel's gateway (`gateway.cost`), OpenRouter (`usage.cost`), Perplexity (`usage.cost.total_cost`), xAI (ticks of 10⁻¹⁰ dollars), litellm's
 * proxy (a header).
 */
function billed(raw: unknown, metadata: unknown, headers: HeaderBag | undefined): number | undefined {
  const gateway = read(metadata, 'gateway')
  const openRouter = read(read(metadata, 'openrouter'), 'usage')
  const ticks = amount(read(raw, 'cost_in_usd_ticks'))
  for (const found of [
    read(gateway, 'cost'),
    read(openRouter, 'cost'),
    read(raw, 'cost'),
    read(read(raw, 'cost'), 'total_cost'),
    ticks === undefined ? undefined : ticks / 1e10,
    headers?.['x-litellm-response-cost'],
  ]) {
    const usd = amount(found)
    if (usd !== undefined) return usd
  }
  return undefined
}
