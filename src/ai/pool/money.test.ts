/** What calls cost, and that it is reserved before. */
import { createAnthropic } from '@ai-sdk/anthropic'
import { generateText } from 'ai'
import { describe, expect, test } from 'vitest'
import { BudgetExceeded, InvalidOption, TimedOut } from '../../base/errors.ts'
import { budget, pool, type Price, priceOf } from '../index.ts'
import { answer, mockModel, usageOf as usage } from './mock.fixture.ts'
import { mostOfCall, mostOn } from './spending-bound.ts'
import { readPriceTable } from '../prices/price-formats.ts'
import { checkPrices, costOf } from '../prices/prices.ts'
import { usageOf } from './usage.ts'

const price: Price = { input: 3, output: 15 }
const most = (providerOptions: unknown, own: Price = price, more: object = {}): number =>
  mostOn(mostOfCall({ providerOptions, ...more }, 0, 1_000), own).tokens

describe('the most that a call can answer', () => {
  test.each([
    ['nothing', {}, 1_000],
    ['Anthropic thinks', { anthropic: { thinking: { type: 'enabled', budgetTokens: 8_000 } } }, 9_000],
    ['Bedrock thinks', { bedrock: { reasoningConfig: { type: 'enabled', budgetTokens: 8_000 } } }, 9_000],
    ['a client of its own name', { mine: { thinking: { budget_tokens: 8_000 } } }, 9_000],
    ['Gemini thinks', { google: { thinkingConfig: { thinkingBudget: 8_000 } } }, 9_000],
    ['OpenRouter thinks', { openrouter: { reasoning: { max_tokens: 8_000 } } }, 9_000],
    ['OpenAI', { openai: { maxCompletionTokens: 8_000 } }, 8_000],
    ['a body', { simulated: { max_tokens: 7_000 } }, 7_000],
    ['less than the call says', { openai: { maxCompletionTokens: 80 } }, 1_000],
    ['Ollama', { ollama: { options: { num_predict: 5_000 } } }, 5_000],
    ['several answers', { openai: { n: 3 } }, 3_000],
    ['no thinking', { google: { thinkingConfig: { thinkingBudget: 0 } } }, 1_000],
  ])('%s', (_, options, tokens) => expect(most(options)).toBe(tokens))

  test.each([
    ['effort', { openai: { reasoningEffort: 'high' } }],
    ['effort in a body', { openrouter: { reasoning: { effort: 'low' } } }],
    ['Gemini as it likes', { google: { thinkingConfig: { thinkingBudget: -1 } } }],
    ['Gemini 3', { google: { thinkingConfig: { thinkingLevel: 'high' } } }],
    ['Anthropic as it likes', { anthropic: { thinking: { type: 'adaptive' } } }],
  ])('%s: all that the model can', (_, options) => {
    expect(most(options, { ...price, maxOutput: 64_000 })).toBe(64_000)
    expect(most(options)).toBeGreaterThanOrEqual(33_000)
  })

  test('the reasoning of AI SDK 7; never more than the model can; conversations and tools that the provider runs', () => {
    expect(most({}, { ...price, maxOutput: 64_000 }, { reasoning: 'high' })).toBe(64_000)
    expect(most({ anthropic: { thinking: { budgetTokens: 90_000 } } }, { ...price, maxOutput: 64_000 })).toBe(64_000)
    expect(most({ openai: { previousResponseId: 'r' } }, { ...price, contextWindow: 128_000 })).toBe(129_000)
    expect(most({}, { ...price, contextWindow: 128_000 }, { tools: [{ type: 'provider', id: 'openai.web_search' }] })).toBe(
      129_000,
    )
  })

  test('a budget is not exceeded by thinking: the request is not even sent', async () => {
    let sent = 0
    const fetch = async (): Promise<Response> => {
      sent++
      return Response.json({})
    }
    const model = pool(createAnthropic({ apiKey: 'x', fetch })('claude-sonnet-4-5'), { budget: budget({ usd: 0.05 }) })
    const call = generateText({
      model,
      prompt: 'x',
      maxOutputTokens: 1_000,
      providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens: 8_000 } } },
    })
    await expect(call).rejects.toThrow(BudgetExceeded)
    expect(sent).toBe(0)
  })
})

describe('prices', () => {
  test.each([
    [{ input: 3 }, /`output`, a number from 0 up, got undefined/],
    [{ output: 3 }, /`input`/],
    [{ input: Number.NaN, output: 1 }, /`input`/],
    [{ input: -1, output: 1 }, /`input`/],
    [{ input: 1, output: Number.POSITIVE_INFINITY }, /`output`/],
    [{ input: '1', output: 1 }, /`input`/],
    [{ input: 1, output: 1, cachedInput: null }, /`cachedInput`/],
    [{ input: 1, ouput: 1 }, /Unknown field `ouput`/],
    [{ input: 1, output: 1, above: { tokens: 1 } }, /`above` of the price of x/],
    [7, /to be an object/],
  ])('%j is refused when the pool is made', (wrong, message) => {
    const make = (): unknown =>
      pool(
        mockModel('x', () => answer('y')),
        { prices: { x: wrong as never }, budget: budget({ usd: 1 }) },
      )
    expect(make).toThrow(InvalidOption)
    expect(make).toThrow(message)
  })

  test.each([
    ['gpt-4.1-mini-2025-04-14', 0.4],
    ['openai/gpt-4.1-mini', 0.4],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 3],
    ['claude-sonnet-4-5@20250929', 3],
    ['anthropic/claude-sonnet-4.5', 3],
    ['gemini-2.5-pro-preview-05-06', 1.25],
    ['gpt-5-nano-2025-08-07', 0.05],
  ])('%s', (id, input) => expect(priceOf(id)?.input).toBe(input))

  test.each(['gpt-4.1-mini-hd', 'ft:gpt-4.1-mini:me::1', 'gpt', '__proto__', 'constructor', 'x'.repeat(1_000_000)])(
    'nobody knows %.30s',
    (id) => expect(priceOf(id)).toBeUndefined(),
  )

  test('cache writes, reads, tiers and long inputs', () => {
    const full: Price = {
      input: 3,
      output: 15,
      cachedInput: 0.3,
      cacheWrite: 3.75,
      cacheWriteHour: 6,
      above: { tokens: 200_000, input: 6, output: 22.5 },
      priority: { input: 6, output: 30 },
    }
    const usd = (of: Partial<Parameters<typeof costOf>[1]>, own = full): number =>
      costOf(own, { input: 1_000_000, cached: 0, output: 0, ...of }) * 1
    const small = (of: object, own = full): number => costOf(own, { input: 1_000, cached: 0, output: 1_000, ...of }) * 1_000
    expect(usd({})).toBeCloseTo(6)
    expect(small({})).toBeCloseTo(18)
    expect(small({ cached: 500, written: 300 })).toBeCloseTo(0.6 + 0.15 + 1.125 + 15)
    expect(small({ written: 1_000, writtenForHour: 1_000 })).toBeCloseTo(6 + 15)
    expect(small({ tier: 'priority' })).toBeCloseTo(36)
    expect(small({ tier: 'priority' }, price)).toBeCloseTo(36)
    expect(small({ written: 1_000 }, price)).toBeCloseTo(3.75 + 15)
  })

  test('batches, their long requests, and thinking at a price of its own', () => {
    const full: Price = {
      input: 4,
      output: 20,
      reasoning: 8,
      above: { tokens: 2_000, input: 8, output: 30 },
      batch: { input: 2, output: 10, above: { input: 4, output: 15 } },
    }
    const usd = (of: object, own = full): number => costOf(own, { input: 1_000, cached: 0, output: 1_000, ...of }) * 1_000
    expect(usd({ tier: 'batch' })).toBeCloseTo(12)
    expect(usd({ tier: 'batch', input: 3_000 })).toBeCloseTo(12 + 15)
    expect(usd({ tier: 'batch' }, price)).toBeCloseTo(18)
    expect(usd({ reasoning: 400 })).toBeCloseTo(4 + 12 + 3.2)
    const dear = { ...full, reasoning: 40 }
    expect(mostOn(mostOfCall({}, 1_000, 1_000), dear).usd).toBeCloseTo((4 + 40) / 1_000)
    expect(mostOn({ ...mostOfCall({}, 1_000, 1_000), tier: 'batch' }, dear).usd).toBeCloseTo((2 + 10) / 1_000)
    expect(usageOf({ usage: { inputTokens: 1, outputTokens: { total: 9, reasoning: 7 } } })).toMatchObject({
      output: 9,
      reasoning: 7,
    })
  })

  test.each([
    [{ input: 1, output: 1, batch: { input: 1 } }, /`batch` of the price of x to have `output`/],
    [{ input: 1, output: 1, batch: { input: 1, output: 1, tokens: 3 } }, /Unknown field `tokens`/],
    [{ input: 1, output: 1, abilities: ['tools', 'fly'] }, /`abilities` in the price of x to be a list of tools/],
    [{ input: 1, output: 1, retires: 'soon' }, /`retires`/],
  ])('%j is refused', (wrong, message) => expect(() => checkPrices({ x: wrong })).toThrow(message))

  test('what the provider tells: V2 and V3, the tier, and what a gateway has billed', () => {
    expect(usageOf({ usage: { inputTokens: 10, outputTokens: 5, totalTokens: 25, cachedInputTokens: 3 } })).toMatchObject({
      input: 10,
      cached: 3,
      output: 15,
    })
    const v3 = { inputTokens: { total: 10, cacheRead: 2, cacheWrite: 4 }, outputTokens: { total: 5 } }
    expect(
      usageOf({ usage: { ...v3, raw: { cache_creation: { ephemeral_1h_input_tokens: 4 }, service_tier: 'priority' } } }),
    ).toMatchObject({
      written: 4,
      writtenForHour: 4,
      tier: 'priority',
    })
    expect(usageOf({ usage: v3, providerMetadata: { gateway: { cost: '0.0025' } } })?.usd).toBe(0.0025)
    expect(usageOf({ usage: v3, providerMetadata: { openrouter: { usage: { cost: 0.5 } } } })?.usd).toBe(0.5)
    expect(usageOf({ usage: v3, headers: { 'x-litellm-response-cost': '0.125' } })?.usd).toBe(0.125)
    expect(usageOf({ usage: { ...v3, raw: { cost: 0.25 } } })?.usd).toBe(0.25)
    expect(usageOf({ usage: { inputTokens: { total: Number.NaN }, outputTokens: { total: -4 } } })).toBeUndefined()
  })

  test('what a gateway bills is what the budget and the report count, also where no price is known', async () => {
    const told = mockModel('told', () => ({ ...answer('x', usage(10, 10)), providerMetadata: { gateway: { cost: '0.01' } } }))
    const model = pool(told)
    await generateText({ model, prompt: 'x' })
    expect(model.report().usd).toBe(0.01)
    const own = budget({ usd: 1 })
    const priced = pool(told, { prices: { told: price }, budget: own })
    await generateText({ model: priced, prompt: 'x' })
    expect(own.spent.usd).toBe(0.01)
  })
})

test('nothing waits for ever: a call that others leave no room gives up after `queueTimeout`', async () => {
  const hanging = mockModel('x', () => new Promise(() => {}))
  const model = pool(hanging, { budget: budget({ calls: 1 }), queueTimeout: 50, timeout: '1h' })
  const controller = new AbortController()
  const first = generateText({ model, prompt: 'x', abortSignal: controller.signal }).catch((error: unknown) => error)
  await expect(generateText({ model, prompt: 'x' })).rejects.toThrow(TimedOut)
  controller.abort()
  await first
})

test('a table of prices in the forms that others publish; what is none is refused', () => {
  const read = (value: unknown): ReturnType<typeof readPriceTable> =>
    readPriceTable(typeof value === 'string' ? value : JSON.stringify(value), 'the table', '2026-01-01')
  expect(read({ date: 'd', source: 's', models: { x: price } })).toEqual({ date: 'd', source: 's', models: { x: price } })
  expect(
    read({
      sample_spec: { input_cost_per_token: 0, mode: 'one of' },
      x: { input_cost_per_token: 3e-6, output_cost_per_token: 1.5e-5, max_output_tokens: 64_000, mode: 'chat' },
      image: { mode: 'image_generation', output_cost_per_image: 1 },
    }).models,
  ).toEqual({ x: { input: 3, output: 15, maxOutput: 64_000 } })
  const tiers = read({
    x: {
      input_cost_per_token: 4e-6,
      output_cost_per_token: 2e-5,
      output_cost_per_reasoning_token: 8e-6,
      input_cost_per_token_batches: 2e-6,
      output_cost_per_token_batches: 1e-5,
      input_cost_per_token_above_272k_tokens: 8e-6,
      output_cost_per_token_above_272k_tokens: 3e-5,
      input_cost_per_token_above_272k_tokens_batches: 4e-6,
      output_cost_per_token_above_272k_tokens_batches: 1.5e-5,
      supports_vision: true,
      supports_function_calling: false,
      deprecation_date: '2027-01-14',
      mode: 'chat',
    },
  }).models
  expect(tiers.x).toEqual({
    input: 4,
    output: 20,
    reasoning: 8,
    above: { tokens: 272_000, input: 8, output: 30 },
    batch: { input: 2, output: 10, above: { input: 4, output: 15 } },
    abilities: ['images'],
    retires: '2027-01-14',
  })
  expect(read({ acme: { models: { x: { cost: { input: 3, output: 15 }, limit: { context: 9 } } } } }).models).toEqual({
    x: { input: 3, output: 15, contextWindow: 9 },
  })
  expect(read({ data: [{ id: 'a/x', pricing: { prompt: '0.000003', completion: '0.000015' } }] }).models).toEqual({
    'a/x': price,
  })
  const hostile = JSON.parse('{"models":{"__proto__":{"input":1,"output":1},"x":{"input":1,"output":1}}}') as unknown
  expect(({} as { input?: unknown }).input).toBeUndefined()
  expect(Object.keys(read(hostile).models)).toContain('x')
  for (const wrong of [
    '',
    '[]',
    '7',
    '{}',
    '{"models":{}}',
    '{"models":{"x":{"input":-1,"output":1}}}',
    'x'.repeat(17 * 2 ** 20),
  ])
    expect(() => read(wrong)).toThrow(/No table of prices in the table/)
})
