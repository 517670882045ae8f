import { describe, expect, test } from 'vitest'
import { gpuOf } from '../hardware/gpus.ts'
import { preset } from '../model/presets.ts'
import { efficienciesOf, type Engine } from './efficiencies.ts'
import { expertsTouched, type Setting } from './forward.ts'
import { cachedSequences, servingMemory } from './memory.ts'
import { steadyState } from './serving.ts'
import { totalOf } from './terms.ts'

interface Case {
  readonly model?: string
  readonly gpu?: string
  readonly tensor?: number
  readonly pipeline?: number
  readonly expert?: number
  readonly attentionData?: number
  readonly weights?: 'bf16' | 'fp8' | 'fp4'
  readonly engine?: Engine
}

function setting({ model = 'llama-3.1-70b', gpu = 'h200', weights = 'fp8', engine = 'vllm', ...layout }: Case = {}): Setting {
  return {
    model: preset(model),
    gpu: gpuOf(gpu),
    layout: { tensor: 1, pipeline: 1, expert: 1, attentionData: 1, ...layout },
    numbers: { weights, cache: weights === 'bf16' ? 'bf16' : 'fp8' },
    engine,
    efficiencies: efficienciesOf(engine),
  }
}

const load = { input: 1000, output: 1000, concurrency: 16 }

describe('memory while serving', () => {
  // What runs, and what is known to run out of memory.
  test.each<[string, Case, boolean]>([
    ['70B in 16 bits on one H200', { weights: 'bf16' }, false],
    ['70B in 16 bits on two H100', { weights: 'bf16', gpu: 'h100-sxm', tensor: 2 }, true],
    ['70B in 8 bits on one A100-40', { gpu: 'a100-40' }, false],
    ['405B in 8 bits on eight H100', { model: 'llama-3.1-405b', gpu: 'h100-sxm', tensor: 8 }, true],
    ['405B in 16 bits on eight H100', { model: 'llama-3.1-405b', gpu: 'h100-sxm', tensor: 8, weights: 'bf16' }, false],
    ['DeepSeek V3 in 8 bits on eight H100', { model: 'deepseek-v3', gpu: 'h100-sxm', tensor: 8 }, false],
    ['DeepSeek V3 in 8 bits on eight H200', { model: 'deepseek-v3', tensor: 8 }, true],
    ['8B in 16 bits on one L4', { model: 'llama-3.1-8b', gpu: 'l4', weights: 'bf16' }, true],
    ['Mixtral 8x7B in 16 bits on one H100', { model: 'mixtral-8x7b', gpu: 'h100-sxm', weights: 'bf16' }, false],
  ])('%s', (_, options, fits) => {
    expect(cachedSequences(setting(options), 2000) > 0).toBe(fits)
  })

  test('latent attention gets more room for the cache from copies of the attention, not from splitting it', () => {
    const split = cachedSequences(setting({ model: 'deepseek-v3', tensor: 8 }), 2000)
    const copies = cachedSequences(setting({ model: 'deepseek-v3', attentionData: 8, expert: 8 }), 2000)
    expect(copies).toBeGreaterThan(3 * split)
  })

  test('parts add up to the memory of the GPU', () => {
    const one = setting({ tensor: 2 })
    const { weights, activations, reserve, cache } = servingMemory(one)
    expect(weights + activations + reserve + cache).toBeCloseTo(one.gpu.memoryBytes, -2)
  })
})

describe('the time of a token', () => {
  test('is within a tenth of published runs of Llama 3.1 70B in 8 bits on H200, 8192 in and 1024 out, 16 at once', () => {
    // TensorRT-LLM; lengths are drawn from 0.8 to 1 times those.
    const published = [39.32, 22.62, 14.83, 11.26]
    const predicted = [1, 2, 4, 8].map(
      (tensor) =>
        steadyState(setting({ tensor, engine: 'trtllm' }), { input: 7373, output: 922, concurrency: 16 }).tokenSeconds * 1e3,
    )
    predicted.forEach((ms, i) => expect(Math.abs(ms / (published[i] ?? 0) - 1)).toBeLessThan(0.1))
  })

  test('is the sum of its terms', () => {
    const { perToken, tokenSeconds } = steadyState(setting({ tensor: 4 }), load)
    expect(totalOf(perToken)).toBeCloseTo(tokenSeconds, 12)
    expect(Object.values(perToken).every((seconds) => seconds >= 0)).toBe(true)
  })

  test('grows with every request, and throughput with it', () => {
    let last = { tokenSeconds: 0, tokensPerSecond: 0 }
    for (const concurrency of [1, 2, 8, 32, 128]) {
      const next = steadyState(setting({ tensor: 4 }), { ...load, concurrency })
      expect(next.tokenSeconds).toBeGreaterThan(last.tokenSeconds)
      expect(next.tokensPerSecond).toBeGreaterThan(last.tokensPerSecond)
      last = next
    }
  })

  test('counts only requests that the cache holds', () => {
    const full = steadyState(setting({}), { ...load, concurrency: 10_000 })
    expect(full.saturated).toBe(true)
    expect(full.resident).toBeLessThan(1000)
    expect(steadyState(setting({}), { ...load, concurrency: full.resident }).tokenSeconds).toBeCloseTo(full.tokenSeconds, 9)
  })

  test('has no all-reduce on one GPU, and latency across nodes', () => {
    const reduces = (options: Case): number => steadyState(setting(options), load).perToken.allReduce
    expect(reduces({})).toBe(0)
    expect(reduces({ tensor: 16 })).toBeGreaterThan(2 * reduces({ tensor: 8 }))
  })

  test('has hops and no all-reduce with stages, and longer ones when layers do not divide', () => {
    const even = steadyState(setting({ pipeline: 4 }), load).perToken
    const uneven = steadyState(setting({ pipeline: 3 }), load).perToken
    expect(even.allReduce).toBe(0)
    expect(even.pipeline).toBeGreaterThan(0)
    expect(uneven.pipeline).toBeGreaterThan(even.pipeline)
  })

  test('reads the experts that a batch touches, and exchanges tokens where the attention has copies', () => {
    expect(expertsTouched(256, 8, 1)).toBeCloseTo(8)
    expect(expertsTouched(256, 8, 10_000)).toBeCloseTo(256)
    const few = steadyState(setting({ model: 'deepseek-v3', tensor: 8 }), { ...load, concurrency: 1 })
    const many = steadyState(setting({ model: 'deepseek-v3', tensor: 8 }), { ...load, concurrency: 64 })
    expect(many.perToken.weights).toBeGreaterThan(3 * few.perToken.weights)
    expect(few.perToken.allToAll).toBe(0)
    expect(steadyState(setting({ model: 'deepseek-v3', attentionData: 8, expert: 8 }), load).perToken.allToAll).toBeGreaterThan(0)
  })
})
