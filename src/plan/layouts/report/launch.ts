/** Arguments that start an engine or a trainer with a layout. Names are those of vLLM 0.11, SGLang 0.5, TensorRT-LLM 1.0 and Megatron-Core 0.14. */
import type { ServeCandidate, ServeRequest } from '../search/serve-request.ts'
import type { TrainingLayout } from '../cost/training-setting.ts'
import type { TrainRequest } from '../search/train-request.ts'

export function serveArguments(
  request: ServeRequest,
  { layout, concurrency }: ServeCandidate,
): Readonly<Record<'vllm' | 'sglang' | 'trtllm', string>> {
  const { tensor, pipeline, expert, attentionData } = layout
  const { model, numbers, input, output } = request
  const length = Math.ceil((input + output) * 1.25)
  const requests = Math.ceil(concurrency / attentionData)
  const vllm = [`vllm serve ${model.name}`, `--tensor-parallel-size ${tensor}`]
  const sglang = [`python -m sglang.launch_server --model-path ${model.name}`, `--tp-size ${tensor * attentionData}`]
  const trtllm = [`trtllm-serve ${model.name}`, `--tp_size ${tensor * attentionData}`]
  if (pipeline > 1) {
    vllm.push(`--pipeline-parallel-size ${pipeline}`)
    sglang.push(`--pp-size ${pipeline}`)
    trtllm.push(`--pp_size ${pipeline}`)
  }
  if (attentionData > 1) {
    vllm.push(`--data-parallel-size ${attentionData}`)
    sglang.push(`--dp-size ${attentionData} --enable-dp-attention`)
  }
  if (expert > 1) {
    vllm.push('--enable-expert-parallel')
    sglang.push(`--ep-size ${expert}`)
    trtllm.push(`--ep_size ${expert}`)
  }
  if (numbers.weights === 'fp8' && model.stored !== 'fp8') {
    vllm.push('--quantization fp8')
    sglang.push('--quantization fp8')
  }
  if (numbers.cache === 'fp8') {
    vllm.push('--kv-cache-dtype fp8')
    sglang.push('--kv-cache-dtype fp8_e4m3')
    trtllm.push('--kv_cache_dtype fp8')
  }
  vllm.push(
    `--max-model-len ${length}`,
    `--max-num-seqs ${requests}`,
    '--max-num-batched-tokens 8192',
    '--gpu-memory-utilization 0.9',
  )
  sglang.push(
    `--context-length ${length}`,
    `--max-running-requests ${concurrency}`,
    '--chunked-prefill-size 8192',
    '--mem-fraction-static 0.88',
  )
  trtllm.push(
    `--max_seq_len ${length}`,
    `--max_batch_size ${requests}`,
    '--max_num_tokens 8192',
    '--kv_cache_free_gpu_memory_fraction 0.9',
  )
  return { vllm: vllm.join(' '), sglang: sglang.join(' '), trtllm: trtllm.join(' ') }
}

export function megatronArguments({ model, batch, sequence, precision }: TrainRequest, layout: TrainingLayout): string {
  const { tensor, pipeline, expert, interleave, zero, microbatch, recompute, sequenceParallel } = layout
  const parts = [`--tensor-model-parallel-size ${tensor}`, `--pipeline-model-parallel-size ${pipeline}`]
  if (interleave > 1) parts.push(`--num-layers-per-virtual-pipeline-stage ${model.layers / pipeline / interleave}`)
  if (expert > 1) parts.push(`--expert-model-parallel-size ${expert}`)
  parts.push(`--micro-batch-size ${microbatch}`, `--global-batch-size ${batch}`, `--seq-length ${sequence}`)
  if (sequenceParallel) parts.push('--sequence-parallel')
  if (zero === 1) parts.push('--use-distributed-optimizer --overlap-grad-reduce --overlap-param-gather')
  if (zero >= 2)
    parts.push(`--use-megatron-fsdp --data-parallel-sharding-strategy ${zero === 2 ? 'optim_grads' : 'optim_grads_params'}`)
  if (recompute === 'selective') parts.push('--recompute-activations')
  if (recompute === 'full') parts.push('--recompute-granularity full --recompute-method uniform --recompute-num-layers 1')
  parts.push(precision === 'fp8' ? '--bf16 --fp8-format hybrid' : '--bf16', '--use-flash-attn')
  return parts.join(' ')
}
