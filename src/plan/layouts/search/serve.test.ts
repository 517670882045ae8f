import { describe, expect, test } from 'vitest'
import { planServing, type ServingOptions } from '../plan-serving.ts'
import { layoutName } from './divide.ts'
import { paretoFront } from './pareto.ts'
import { blameOf } from './scaling.ts'
import { noTerms } from '../cost/terms.ts'

const h100: ServingOptions = { model: 'llama-3.1-70b', gpu: 'h100-sxm', input: 1000, output: 1000, weights: 'fp8' }

describe('planServing', () => {
  test('gives the cheapest layout within the limits, and every candidate meets them', () => {
    const { best, candidates } = planServing({ ...h100, rate: 5, tpot: '30ms', ttft: '500ms' })
    expect(best).toBe(candidates[0])
    for (const { tokenSeconds, firstTokenSeconds = Infinity, dollarsPerMillion, tokensPerSecond } of candidates) {
      expect(tokenSeconds).toBeLessThanOrEqual(0.03)
      expect(firstTokenSeconds).toBeLessThanOrEqual(0.5)
      expect(dollarsPerMillion).toBeGreaterThanOrEqual(best?.dollarsPerMillion ?? Infinity)
      expect(tokensPerSecond).toBe(5000)
    }
  })

  test('uses no more replicas than the rate needs', () => {
    expect(planServing({ ...h100, rate: 0.5 }).best?.gpus).toBeLessThan(8)
  })

  test('says what is out, and why', () => {
    const { rejected } = planServing({ ...h100, weights: 'bf16', tpot: '16ms', concurrency: 8 })
    const why = (name: string): string | undefined => rejected.find(({ layout }) => layoutName(layout) === name)?.why
    expect(why('TP1')).toMatch(/^needs 15\d GB per GPU \(141 GB of it weights\), which has 86 GB$/)
    expect(why('TP3')).toBe('64 attention heads do not divide by 3')
    expect(why('TP2')).toMatch(/^takes [\d.]+ ms per token, over 16\.0 ms$/)
  })

  test('gives no time to the first token near saturation, and says why', () => {
    const busy = planServing({ ...h100, concurrency: 4000 })
    expect(busy.best?.firstTokenSeconds).toBeUndefined()
    expect(busy.best?.firstTokenRefused).toMatch(/^the KV cache holds \d+ requests/)
    const some = planServing({ ...h100, concurrency: 256, only: { tensor: 4 } }).best
    const capacity = (some?.tokensPerSecond ?? 0) / (some?.load ?? 1) / 1000
    const near = planServing({ ...h100, rate: 0.95 * capacity, only: { tensor: 4 } })
    expect(near.best?.firstTokenRefused).toMatch(/% of the capacity is in use/)
  })

  test('has a front in which more money buys a faster token', () => {
    const { pareto } = planServing(h100)
    expect(pareto.length).toBeGreaterThan(3)
    for (let i = 1; i < pareto.length; i++) {
      expect(pareto[i]?.tokenSeconds).toBeGreaterThan(pareto[i - 1]?.tokenSeconds ?? 0)
      expect(pareto[i]?.dollarsPerMillion).toBeLessThan(pareto[i - 1]?.dollarsPerMillion ?? 0)
    }
  })

  test('shows where more GPUs stop helping, and which term is to blame', () => {
    const { scaling } = planServing({ ...h100, model: 'llama-3.1-8b', concurrency: 1 })
    expect(scaling.map(({ gpus }) => gpus)).toEqual([1, 2, 4, 8])
    expect(scaling[3]).toMatchObject({ worthIt: false })
    expect(['overhead', 'allReduce']).toContain(scaling[3]?.blame)
  })

  test('spreads experts and copies of the attention where a model has experts', () => {
    const { candidates } = planServing({ model: 'deepseek-v3', gpu: 'h200', input: 1000, output: 1000, concurrency: 512 })
    expect(candidates.some(({ layout }) => layout.attentionData === 8 && layout.expert === 8)).toBe(true)
  })

  test('holds what is given fixed', () => {
    const { candidates } = planServing({ ...h100, only: { tensor: 2, replicas: 3 } })
    expect(candidates.length).toBeGreaterThan(0)
    expect(
      candidates.every(({ layout, replicas, gpus }) => layout.tensor === 2 && replicas === 3 && gpus === 6 * layout.pipeline),
    ).toBe(true)
  })

  test('starts each engine with the layout', () => {
    const { launch } = planServing({ ...h100, only: { tensor: 4, replicas: 2 }, concurrency: 64 })
    expect(launch?.vllm).toContain('--tensor-parallel-size 4')
    expect(launch?.vllm).toContain('--max-num-seqs 32')
    expect(launch?.sglang).toContain('--tp-size 4')
    expect(launch?.trtllm).toContain('--tp_size 4')
    const { launch: experts } = planServing({
      model: 'deepseek-v3',
      gpu: 'h200',
      input: 1000,
      output: 1000,
      concurrency: 512,
      only: { attentionData: 8 },
    })
    expect(experts?.vllm).toContain('--data-parallel-size 8 --enable-expert-parallel')
    expect(experts?.sglang).toContain('--tp-size 8 --dp-size 8 --enable-dp-attention --ep-size 8')
  })

  test('of a model that fits nowhere names the nearest things that work', () => {
    const { best, nearest } = planServing({ ...h100, model: 'deepseek-v3', weights: 'fp8' })
    expect(best).toBeUndefined()
    expect(nearest).toEqual([expect.stringMatching(/^--nodes 2 --per-node 8: /), expect.stringMatching(/^--gpu h200: /)])
    expect(planServing({ ...h100, perNode: 1, weights: 'bf16' }).nearest[0]).toMatch(/^--weights fp8: 1 × TP1/)
  })

  test('of limits that nothing meets names the rate that works', () => {
    expect(planServing({ ...h100, rate: 1000, tpot: '30ms' }).nearest.at(-1)).toMatch(
      /^these 8 GPUs serve [\d.]+ requests a second within the limits$/,
    )
  })

  test.each<[Partial<ServingOptions>, string]>([
    [{ gpu: 'h101' }, 'Unknown GPU "h101"'],
    [{ perNode: 16 }, 'A node holds at most 8 h100-sxm, not 16'],
    [{ only: { tensor: 8, replicas: 2 } }, 'That layout needs 16 GPUs; 1 × 8 = 8 are available'],
    [{ nodes: 2, only: { tensor: 16 } }, 'Tensor parallelism of 16 exceeds the node, which has 8 GPUs'],
    [{ rate: 1, concurrency: 1 }, 'Expected `rate` or `concurrency` of planServing, got both'],
    [{ input: 0 }, 'Expected `input` to be a number from 1'],
    [{ gpu: 'gb300' }, 'No price of gb300 is known here'],
  ])('refuses %o', (wrong, message) => {
    expect(() => planServing({ ...h100, ...wrong })).toThrow(message)
  })
})

test('a front keeps what nothing beats in both', () => {
  const points = [
    [1, 9],
    [2, 5],
    [3, 6],
    [4, 1],
    [4, 0.5],
    [5, 0.5],
  ] as const
  expect(
    paretoFront(
      points,
      ([x]) => x,
      ([, y]) => y,
    ),
  ).toEqual([
    [1, 9],
    [2, 5],
    [4, 0.5],
  ])
})

test('to blame is what shrank least against half', () => {
  expect(
    blameOf({ ...noTerms, weights: 10, allReduce: 1, overhead: 2 }, { ...noTerms, weights: 5, allReduce: 3, overhead: 2 }),
  ).toBe('allReduce')
})
