import { describe, expect, test } from 'vitest'
import { efficienciesOf } from '../cost/efficiencies.ts'
import type { Setting } from '../cost/forward.ts'
import { steadyState } from '../cost/serving.ts'
import { gpuOf } from '../hardware/gpus.ts'
import { preset } from '../model/presets.ts'
import { readBenchCsv } from './bench-csv.ts'
import { calibrate } from './calibrate.ts'
import { compareRun } from './compare.ts'
import { fit } from './fit.ts'
import { readMeasuredRuns } from './measured-run.ts'

const setting: Setting = {
  model: preset('llama-3.1-70b'),
  gpu: gpuOf('h100-sxm'),
  layout: { tensor: 4, pipeline: 1, expert: 1, attentionData: 1 },
  numbers: { weights: 'fp8', cache: 'fp8' },
  engine: 'vllm',
  efficiencies: efficienciesOf('vllm'),
}
/** A machine whose memory is slower, and whose all-reduces are slower, than expected. */
const slow = { ...setting.efficiencies, weights: 0.6, reduceUs: 6 }

const bench = [2, 4, 8].flatMap((tensor) =>
  [1, 4, 16, 64].map((concurrency) => {
    const layout = { ...setting.layout, tensor }
    const { tokenSeconds } = steadyState({ ...setting, layout, efficiencies: slow }, { input: 1000, output: 500, concurrency })
    return `1000,500,${concurrency},${tensor},${tokenSeconds * 1e3}`
  }),
)
const csv = `isl,osl,max_concurrency,tp,mean_tpot_ms\n${bench.join('\n')}\n`

describe('calibration', () => {
  test('finds the machine that made the rows, also for rows that it has not seen', () => {
    const { efficiencies, errorBefore, errorUnseen, rows } = calibrate(readBenchCsv(csv, 'bench.csv'), setting)
    expect(rows).toBe(12)
    expect(errorBefore).toBeGreaterThan(0.15)
    expect(errorUnseen).toBeLessThan(0.03)
    expect(efficiencies.weights).toBeLessThan(0.68)
  })

  test('leaves alone what the rows say nothing about', () => {
    const one = readBenchCsv('input,output,concurrency,tensor,tpot_ms\n1000,500,1,2,30', 'one.csv')
    expect(calibrate(one, setting).efficiencies.interference).toBe(setting.efficiencies.interference)
  })

  test('keeps shares at 1 at most', () => {
    const { efficiencies } = fit(({ weights }) => 1 / weights, [0.5], {
      names: ['weights'],
      start: setting.efficiencies,
      pull: 0.001,
    })
    expect(efficiencies.weights).toBe(1)
  })

  test.each([
    ['input,output,tpot_ms\n1,1,1', 'bench.csv has no column for concurrency or max_concurrency or batch or batch_size'],
    ['input,output,concurrency,tpot_ms\n1,1,4,fast', 'bench.csv, line 2: expected tpot_ms to be a number above 0, got "fast"'],
    ['input,output,concurrency,tpot_ms\n', 'bench.csv has a first line and no rows'],
  ])('refuses %j', (text, message) => {
    expect(() => readBenchCsv(text, 'bench.csv')).toThrow(message)
  })
})

describe('result files', () => {
  test('of vLLM', () => {
    const text = JSON.stringify({
      date: '20261101-120000',
      backend: 'vllm',
      model_id: 'm',
      num_prompts: 320,
      max_concurrency: 32,
      completed: 320,
      total_input_tokens: 320_000,
      total_output_tokens: 160_000,
      output_throughput: 2000,
      mean_ttft_ms: 250,
      mean_tpot_ms: 15,
      median_itl_ms: 13,
    })
    expect(readMeasuredRuns(text, 'r.json')).toEqual([
      {
        tool: 'vllm',
        input: 1000,
        output: 500,
        requests: 320,
        concurrency: 32,
        tokenSeconds: 0.015,
        stepSeconds: 0.013,
        firstTokenSeconds: 0.25,
        tokensPerSecond: 2000,
      },
    ])
  })

  test('of SGLang, a line per run', () => {
    const line = (concurrency: number): string =>
      JSON.stringify({
        backend: 'sglang',
        max_concurrency: concurrency,
        completed: 10,
        total_input_tokens: 1000,
        total_output_tokens: 500,
        mean_tpot_ms: 10,
        mean_ttft_ms: 90,
      })
    const runs = readMeasuredRuns(`${line(1)}\n${line(8)}\n`, 'r.jsonl')
    expect(runs.map(({ tool, concurrency, input }) => [tool, concurrency, input])).toEqual([
      ['sglang', 1, 100],
      ['sglang', 8, 100],
    ])
  })

  test('of AIPerf, in the unit that it says', () => {
    const text = JSON.stringify({
      inter_token_latency: { unit: 'ms', avg: 35.2 },
      time_to_first_token: { unit: 's', avg: 0.2 },
      input_sequence_length: { avg: 256 },
      output_sequence_length: { avg: 64 },
      request_count: { avg: 10 },
      input_config: { loadgen: { concurrency: 2 } },
    })
    expect(readMeasuredRuns(text, 'p.json')).toEqual([
      { tool: 'aiperf', input: 256, output: 64, requests: 10, concurrency: 2, tokenSeconds: 0.0352, firstTokenSeconds: 0.2 },
    ])
  })

  test.each([
    ['<html>', 'r.json holds neither JSON nor lines of JSON'],
    ['{"completed": 3}', 'r.json lacks `total_input_tokens`, `total_output_tokens`, `mean_tpot_ms`'],
    ['{"inter_token_latency": {}}', 'r.json lacks the averages of'],
    ['{"completed": 0, "total_input_tokens": 0, "total_output_tokens": 0, "mean_tpot_ms": 0}', 'no request completed'],
  ])('refuses %j', (text, message) => {
    expect(() => readMeasuredRuns(text, 'r.json')).toThrow(message)
  })
})

describe('a comparison', () => {
  const load = { input: 1000, output: 500, concurrency: 16 }
  const runOf = (efficiencies: Setting['efficiencies']) => {
    const { tokenSeconds, stepSeconds, firstTokenSeconds } = steadyState({ ...setting, efficiencies }, load)
    return { tool: 'vllm', ...load, requests: 320, tokenSeconds, stepSeconds, firstTokenSeconds } as const
  }

  test('names the term that was off', () => {
    expect(compareRun(setting, runOf({ ...setting.efficiencies, weights: 0.45 }), 16).off?.term).toBe('weights')
    // Steps without a prompt take as long as expected: the prompts are what is slow.
    expect(compareRun(setting, runOf({ ...setting.efficiencies, compute: 0.2 }), 16).off?.term).toBe('computing')
  })

  test('has nothing to say about a prediction that was right', () => {
    const { off, moved, parts } = compareRun(setting, runOf(setting.efficiencies), 16)
    expect(off).toBeUndefined()
    expect(moved).toEqual([])
    expect(parts.map(({ error }) => error)).toEqual([0, 0, 0])
  })

  test('warns of short runs and of a full cache', () => {
    expect(compareRun(setting, { ...runOf(setting.efficiencies), requests: 32 }, 16).notes[0]).toContain(
      'only 2.0 requests per place',
    )
    expect(compareRun(setting, runOf(setting.efficiencies), 100_000).notes[0]).toContain('the KV cache is predicted to hold')
  })
})
