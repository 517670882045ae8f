import { describe, expect, test } from 'vitest'
import { cachedLayers, cachedValues, parameters } from './architecture.ts'
import { fromHuggingFace, modelTypes } from './hugging-face.ts'
import { preset, presetNames } from './presets.ts'

describe('parameters', () => {
  // As the model cards name them, in thousand millions: in total, and what a token is multiplied with (without the embedding).
  test.each([
    ['llama-3.1-8b', 8.03, 7.5],
    ['llama-3.1-70b', 70.55, 69.5],
    ['llama-3.1-405b', 405.85, 403.7],
    ['mixtral-8x7b', 46.7, 12.7],
    ['qwen3-32b', 32.76, 32],
    ['qwen3-235b-a22b', 235.1, 21.5],
    ['deepseek-v3', 671, 36.6],
    ['kimi-k2', 1026, 31.7],
    ['gpt-oss-120b', 116.8, 5.1],
    ['gpt-oss-20b', 20.9, 3.6],
    ['minimax-m2.5', 228.7, 10.4],
    ['qwen3.5-397b-a17b', 397, 16],
    ['gpt3-175b', 174.6, 174.6],
  ])('%s: %d', (name, total, active) => {
    const counts = parameters(preset(name))
    expect(Math.abs(counts.total / 1e9 / total - 1)).toBeLessThan(0.02)
    expect(Math.abs(counts.active / 1e9 / active - 1)).toBeLessThan(0.04)
  })
})

describe('the KV cache', () => {
  test('has keys and values of every head, split as far as there are heads', () => {
    const llama = preset('llama-3.1-70b')
    expect(cachedValues(llama, 1) * 2 * llama.layers).toBe(327_680)
    expect(cachedValues(llama, 8)).toBe(256)
    expect(cachedValues(llama, 16)).toBe(256)
  })

  test('is one vector for all heads in latent attention, whole on every GPU', () => {
    const deepseek = preset('deepseek-v3')
    expect(cachedValues(deepseek, 1) * 2 * deepseek.layers).toBe(70_272)
    expect(cachedValues(deepseek, 8)).toBe(576)
  })

  test('has layers with a window and layers without a cache', () => {
    expect(cachedLayers(preset('gpt-oss-120b'))).toEqual({ full: 18, windowed: 18, window: 128 })
    expect(cachedLayers(preset('qwen3.5-397b-a17b'))).toEqual({ full: 15, windowed: 0, window: 0 })
  })
})

describe('a Hugging Face config.json', () => {
  const config = {
    model_type: 'llama',
    num_hidden_layers: 2,
    hidden_size: 64,
    num_attention_heads: 4,
    intermediate_size: 128,
    vocab_size: 100,
  }

  test('is read with the defaults of its family', () => {
    expect(fromHuggingFace(config, 'tiny')).toMatchObject({
      layers: 2,
      attention: { kind: 'grouped', kvHeads: 4, headDim: 16 },
      tied: false,
      stored: 'bf16',
    })
  })

  test('may hold its text model in text_config, and the precision outside', () => {
    const outer = { model_type: 'some_vl', text_config: config, quantization_config: { quant_method: 'fp8' } }
    expect(fromHuggingFace(outer, 'vision')).toMatchObject({ layers: 2, stored: 'fp8' })
  })

  test('is refused with all that is missing', () => {
    expect(() => fromHuggingFace({ model_type: 'llama', hidden_size: 64 }, 'half')).toThrow(
      'half lacks `num_hidden_layers`, `num_attention_heads`, `vocab_size`, `intermediate_size`',
    )
    expect(() => fromHuggingFace({ ...config, model_type: 'deepseek_v3', kv_lora_rank: 512 }, 'half')).toThrow(
      'half lacks `qk_rope_head_dim`, `qk_nope_head_dim`, `v_head_dim`',
    )
    expect(() => fromHuggingFace({ ...config, model_type: 'mixtral' }, 'half')).toThrow('half lacks `n_routed_experts`')
  })

  test('is refused when its architecture is unknown, with the nearest known one', () => {
    expect(() => fromHuggingFace({ ...config, model_type: 'llama5' }, 'new')).toThrow('new has the unknown architecture "llama5"')
    expect
      .soft(hintOf(() => fromHuggingFace({ ...config, model_type: 'llama5' }, 'new')))
      .toContain('nearest known name is "llama"')
    expect(() => fromHuggingFace({ hidden_size: 3 }, 'x.json')).toThrow('x.json does not say its `model_type`')
    expect(() => fromHuggingFace([], 'x.json')).toThrow('Expected x.json to hold the object')
  })

  test('is refused when a count is not one', () => {
    expect(() => fromHuggingFace({ ...config, hidden_size: '64' }, 'odd')).toThrow(
      'Expected `hidden_size` of odd to be a whole number from 0 up',
    )
  })
})

test('every preset is read, and every family is listed once', () => {
  expect(presetNames.filter((name) => !Number.isFinite(parameters(preset(name)).total))).toEqual([])
  expect(new Set(modelTypes).size).toBe(modelTypes.length)
  expect(() => preset('llama-9')).toThrow('Unknown model "llama-9"')
})

function hintOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return (error as { hint?: string }).hint ?? ''
  }
  return ''
}
