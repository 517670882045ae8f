/**
 * Published serving runs: the table that HEDDLE_LAYOUT_ROWS names, in the form of `silicon_sample.csv` of github.com/ai-dynamo/aiconfigurator (measurements of
 * InferenceMAX and of its own). Rows of Llama 3.1 70B on H200 are those that efficiencies were fitted to; all others were not.
 */
import { readFileSync } from 'node:fs'

/** @type {Record<string, string>} */
const presets = {
  'meta-llama/Llama-3.1-70B': 'llama-3.1-70b',
  'meta-llama/Llama-3.1-8B-Instruct': 'llama-3.1-8b',
  'Qwen/Qwen3-32B': 'qwen3-32b',
  'Qwen/Qwen3-235B-A22B-FP8': 'qwen3-235b-a22b',
  'deepseek-ai/DeepSeek-R1': 'deepseek-r1',
  'openai/gpt-oss-120b': 'gpt-oss-120b',
  'MiniMaxAI/MiniMax-M2.5': 'minimax-m2.5',
  'moonshotai/Kimi-K2.5': 'kimi-k2.5',
}
const gpus = { h100_sxm: 'h100-sxm', h200_sxm: 'h200', b200_sxm: 'b200', b300_sxm: 'b300' }

/** @param {string} file */
export function servingRows(file) {
  const [head = '', ...lines] = readFileSync(file, 'utf8').trim().split('\n')
  const names = head.split(',')
  return lines.flatMap((line) => {
    const cells = line.split(',')
    const at = (/** @type {string} */ name) => cells[names.indexOf(name)] ?? ''
    const concurrency = Number(/silicon_concurrency=(\d+)/.exec(at('silicon_data_source'))?.[1])
    const [model, gpu] = [presets[at('model_path')], gpus[at('system')]]
    const tokenMs = Number(at('silicon_tpot_ms'))
    // In some rows the concurrency is of all replicas of a node, and its last digit is lost.
    const sound = concurrency === Number(at('batch_size')) && Number(at('attention_dp_size') || 1) === 1
    if (at('mode') !== 'agg' || model === undefined || gpu === undefined || !(tokenMs > 0) || !sound) return []
    const weights = at('precision') === '' ? 'bf16' : at('precision')
    // InferenceMAX draws lengths from 0.8 to 1 times what it names.
    const drawn = at('silicon_data_source').includes('gap-analysis/data') ? 1 : 0.9
    return [
      {
        family: `${model}, ${gpu}, ${at('backend')}, ${weights}`,
        fitted: model === 'llama-3.1-70b' && gpu === 'h200',
        dense: /llama|qwen3-32b/.test(model),
        key: [
          model,
          gpu,
          at('backend'),
          at('backend_version'),
          weights,
          at('isl'),
          at('osl'),
          Number(at('moe_ep_size')) > 1,
        ].join(' '),
        model,
        gpu,
        engine: at('backend'),
        weights,
        input: Number(at('isl')) * drawn,
        output: Number(at('osl')) * drawn,
        concurrency,
        tensor: Number(at('tp_size')),
        expert: Number(at('moe_ep_size')) || 1,
        tokenSeconds: tokenMs / 1e3,
        firstTokenSeconds: Number(at('silicon_ttft_ms')) / 1e3,
      },
    ]
  })
}
