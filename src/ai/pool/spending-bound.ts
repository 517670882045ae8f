/**
 * The most that a call may spend, whatever option says so. Options of providers reach their requests as they are, so every one that bounds,
 * adds to or multiplies the output is looked for by its name, in every provider's part of `providerOptions`:
 *
 * - a bound of its own (`maxCompletionTokens`, `max_tokens`, `max_output_tokens` …) counts where it is more than `maxOutputTokens`;
 * - a budget for thinking (`thinking.budgetTokens`, `thinkingConfig.thinkingBudget`, `reasoning.max_tokens`) is sent on top of it;
 * - thinking without a figure (`reasoningEffort`, the SDK's `reasoning`, a dynamic budget) may take all that the model can answer;
 * - several answers (`n`, `best_of`, `candidateCount`) multiply it;
 * - a conversation or files that the provider keeps, and tools that it runs itself, add input up to the model's context.
 */
import type { CallOptions } from '../model/sdk-model.ts'
import { type Price, mostOf } from '../prices/prices.ts'

/** The most that a call may spend, before it is known on which model it runs. */
export interface Most {
  readonly input: number
  /** Undefined where nothing bounds it. */
  readonly output: number | undefined
  /** The model may think as long as it can. */
  readonly openOutput: boolean
  /** The provider may add input. */
  readonly openInput: boolean
  readonly times: number
  readonly tier: string | undefined
  readonly writes: 'no' | 'yes' | 'hour'
}

/** Where a model's own bound is not known. Today's models answer at most 128,000 tokens and take 200,000 or a million. */
const outputAtMost = 32_768
const contextAtMost = 200_000

/** Deeper than any option is nested. */
const deepest = 6

const bounds = /^max(?:output|completion|new|gen|generated)?(?:tokens|length|len|tokenstosample)$|^numpredict$/
const budgets =
  /^(?:thinking|reasoning)?budgettokens$|^thinkingbudget$|^(?:max)?(?:thinking|reasoning)(?:max)?tokens$|^thinkingtokenbudget$/
const efforts = /^(?:reasoning)?effort$|^thinkinglevel$|^thinkingmode$/
const several = /^(?:n|bestof|candidatecount|numberofcompletions|numcompletions|numgenerations)$/
const keptInput =
  /^(?:previousresponseid|conversation|conversationid|cachedcontent|threadid|container|vectorstoreids|filesearch|websearchoptions|mcpservers|plugins)$/

class Found {
  bound = 0
  budget = 0
  times = 1
  openOutput = false
  openInput = false
  tier: string | undefined

  look(value: unknown, within: string, depth: number): void {
    if (typeof value !== 'object' || value === null || depth > deepest) return
    for (const [key, member] of Object.entries(value)) {
      const name = key.replaceAll(/[-_]/g, '').toLowerCase()
      this.#option(name, member, within)
      this.look(member, name, depth + 1)
    }
  }

  #option(name: string, value: unknown, within: string): void {
    const isAmount = typeof value === 'number' && Number.isFinite(value)
    const thinks = within === 'reasoning' || within === 'thinking'
    if (isAmount && (budgets.test(name) || (thinks && bounds.test(name)))) {
      if (value > 0) this.budget += value
      // Gemini's -1: as much as it likes.
      else if (value < 0) this.openOutput = true
    } else if (isAmount && bounds.test(name)) this.bound = Math.max(this.bound, value)
    else if (isAmount && several.test(name)) this.times = Math.max(this.times, value)
    else if (efforts.test(name) && typeof value === 'string' && value !== 'none') this.openOutput = true
    else if (name === 'thinking' && value === true) this.openOutput = true
    else if (within === 'thinking' && name === 'type' && (value === 'adaptive' || value === 'auto')) this.openOutput = true
    else if (name === 'servicetier' && typeof value === 'string') this.tier = value
    else if (name === 'speed' && value === 'fast') this.tier = 'fast'
    else if (keptInput.test(name) && value !== undefined && value !== null && value !== false) this.openInput = true
  }
}

/** @param input the most tokens of the prompt @param maxOutput of the call, as it is sent */
export function mostOfCall(options: CallOptions, input: number, maxOutput: number | undefined): Most {
  const found = new Found()
  found.look(options.providerOptions, '', 0)
  const { reasoning, tools } = options
  if (typeof reasoning === 'string' && reasoning !== 'none' && reasoning !== 'provider-default') found.openOutput = true
  if (
    Array.isArray(tools) &&
    tools.some((tool: { type?: unknown } | null) => tool?.type !== undefined && tool.type !== 'function')
  )
    found.openInput = true
  const isBounded = maxOutput !== undefined || found.bound > 0
  return {
    input,
    output: isBounded ? Math.max(maxOutput ?? 0, found.bound) + found.budget : undefined,
    openOutput: found.openOutput,
    openInput: found.openInput,
    times: Math.max(1, Math.ceil(found.times)),
    tier: found.tier,
    writes: writesCache(options.providerOptions, options.prompt),
  }
}

/** Whether something of the call is to be kept in the provider's cache: that costs more than sending it. */
export function writesCache(...parts: readonly unknown[]): 'no' | 'yes' | 'hour' {
  let found: 'no' | 'yes' | 'hour' = 'no'
  const look = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || depth > 2 * deepest || found === 'hour')
      return
    for (const [key, member] of Object.entries(value)) {
      if (key === 'cacheControl' || key === 'cache_control' || key === 'cachePoint') {
        found = (member as { ttl?: unknown } | null)?.ttl === '1h' ? 'hour' : 'yes'
      } else look(member, depth + 1)
    }
  }
  for (const part of parts) look(part, 0)
  return found
}

/** What it may spend on a model of this price. */
export function mostOn(most: Most, price: Price | undefined): { readonly usd: number; readonly tokens: number } {
  const { maxOutput = outputAtMost, contextWindow = contextAtMost } = price ?? {}
  // A model cannot answer more than it can, whatever it is asked for: providers lower the figure. Without a figure of its own it may be anything.
  const bounded =
    most.output === undefined ? maxOutput : price?.maxOutput === undefined ? most.output : Math.min(most.output, price.maxOutput)
  const output = (most.openOutput ? Math.max(bounded, price?.maxOutput ?? bounded + outputAtMost) : bounded) * most.times
  const input = most.openInput ? Math.max(most.input, contextWindow) : most.input
  return { usd: price ? mostOf(price, input, output, most.tier, most.writes) : 0, tokens: input + output }
}
