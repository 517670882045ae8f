import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { spawnHeddle } from './support/cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-layouts-'))
const plan = (...args: readonly string[]) => spawnHeddle(['plan', ...args], { cwd: folder })
const llama = ['--model', 'llama-3.1-70b', '--gpu', 'h100-sxm', '--weights', 'fp8']

test('plan serve answers in text, in JSON and as a picture', async () => {
  const load = [...llama, '--input', '1000', '--output', '1000', '--rate', '4', '--tpot', '40ms']
  const text = await plan('serve', ...load, '--svg', 'serve.svg')
  expect(text).toMatchObject({ code: 0 })
  expect(text.stdout).toMatch(/Best: \d × TP/)
  expect(text.stdout).toContain('vllm serve llama-3.1-70b')
  expect(readFileSync(join(folder, 'serve.svg'), 'utf8')).toContain('reading weights')
  const json = JSON.parse((await plan('serve', ...load, '--json')).stdout) as {
    best: { gpus: number }
    request: { model: string }
  }
  expect(json.request.model).toBe('llama-3.1-70b')
  expect(json.best.gpus).toBeLessThanOrEqual(8)
})

test('plan serve reads a config.json, a table to calibrate on and a result to compare with', async () => {
  const config = {
    model_type: 'llama',
    num_hidden_layers: 32,
    hidden_size: 4096,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 14_336,
    vocab_size: 128_256,
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  writeFileSync(
    join(folder, 'bench.csv'),
    'input,output,concurrency,tensor,tpot_ms\n1000,500,1,1,8\n1000,500,16,1,9.5\n1000,500,64,1,14\n',
  )
  writeFileSync(
    join(folder, 'run.json'),
    JSON.stringify({
      model_id: 'm',
      max_concurrency: 16,
      completed: 160,
      total_input_tokens: 160_000,
      total_output_tokens: 80_000,
      mean_tpot_ms: 20,
      median_itl_ms: 18,
    }),
  )
  const model = ['--model', './config.json', '--gpu', 'h100-sxm', '--tensor', '1']
  const { stdout } = await plan(
    'serve',
    ...model,
    '--input',
    '1000',
    '--output',
    '500',
    '--concurrency',
    '16',
    '--calibrate',
    'bench.csv',
  )
  expect(stdout).toContain('calibrated on 3 measured rows')
  expect((await plan('serve', ...model, '--compare', 'run.json')).stdout).toMatch(/Off: .* of a token predicted/)
})

test('plan train answers', async () => {
  const { code, stdout } = await plan(
    'train',
    '--model',
    'llama-3.1-8b',
    '--gpu',
    'h100-sxm',
    '--batch',
    '64',
    '--sequence',
    '4096',
    '--tokens',
    '1e12',
  )
  expect(code).toBe(0)
  expect(stdout).toContain('--tensor-model-parallel-size')
  expect(stdout).toMatch(/take [\d.e+]+ days/)
})

test.each([
  [['serve', '--gpu', 'h200'], 'needs a model'],
  [['serve', ...llama, '--output', '9'], 'needs --input'],
  [['serve', ...llama, '--input', 'many', '--output', '9'], 'Expected --input to be a number, got "many"'],
  [['serve', '--model', 'llama-9', '--gpu', 'h200', '--input', '9', '--output', '9'], 'Unknown model "llama-9"'],
  [['serve', '--model', './none.json', '--gpu', 'h200', '--input', '9', '--output', '9'], 'Cannot read ./none.json'],
  [
    ['train', '--model', 'llama-3.1-8b', '--gpu', 'h100', '--per-node', '9', '--batch', '8'],
    'A node holds at most 8 h100-sxm, not 9',
  ],
])('%j says what to do, without a line of heddle', async (args, message) => {
  const { code, stderr } = await plan(...args)
  expect(code).toBe(2)
  expect(stderr).toContain(message)
  expect(stderr).not.toContain('src/plan')
})

test('a model that fits nowhere: exit code 1, and the nearest that works', async () => {
  const { code, stdout } = await plan(
    'serve',
    '--model',
    'deepseek-v3',
    '--gpu',
    'h100-sxm',
    '--input',
    '1000',
    '--output',
    '1000',
  )
  expect(code).toBe(1)
  expect(stdout).toContain('--nodes 2 --per-node 8')
})
