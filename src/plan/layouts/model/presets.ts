/**
 * Models by name, as the parts of their published `config.json` that the planner reads (huggingface.co/OWNER/NAME, read 2026-11).
 * `gpt3-*` are the configurations of Megatron-LM's papers (arXiv 2104.04473, 2205.05198).
 */
import { InvalidOption } from '../../../base/errors.ts'
import type { Architecture } from './architecture.ts'
import { fromHuggingFace } from './hugging-face.ts'

const llama = (layers: number, hidden: number, heads: number, kv: number, ffn: number, vocab = 128_256): object => ({
  model_type: 'llama',
  num_hidden_layers: layers,
  hidden_size: hidden,
  num_attention_heads: heads,
  num_key_value_heads: kv,
  intermediate_size: ffn,
  vocab_size: vocab,
  tie_word_embeddings: false,
})

const qwen3 = (layers: number, hidden: number, heads: number, ffn: number, tied = false): object => ({
  ...llama(layers, hidden, heads, 8, ffn, 151_936),
  model_type: 'qwen3',
  head_dim: 128,
  tie_word_embeddings: tied,
})

const latent = { kv_lora_rank: 512, qk_rope_head_dim: 64, qk_nope_head_dim: 128, v_head_dim: 128, q_lora_rank: 1536 }
const fp8 = { quant_method: 'fp8' }

const gpt3 = (layers: number, hidden: number, heads: number, vocab = 51_200): object => ({
  model_type: 'gpt2',
  n_layer: layers,
  n_embd: hidden,
  n_head: heads,
  vocab_size: vocab,
  tie_word_embeddings: true,
})

const deepseek = {
  model_type: 'deepseek_v3',
  num_hidden_layers: 61,
  hidden_size: 7168,
  num_attention_heads: 128,
  ...latent,
  intermediate_size: 18_432,
  moe_intermediate_size: 2048,
  n_routed_experts: 256,
  num_experts_per_tok: 8,
  n_shared_experts: 1,
  first_k_dense_replace: 3,
  vocab_size: 129_280,
  tie_word_embeddings: false,
  quantization_config: fp8,
}

const kimi = {
  ...deepseek,
  model_type: 'kimi_k2',
  num_attention_heads: 64,
  n_routed_experts: 384,
  first_k_dense_replace: 1,
  vocab_size: 163_840,
}

const gptOss = (layers: number, experts: number): object => ({
  model_type: 'gpt_oss',
  num_hidden_layers: layers,
  hidden_size: 2880,
  num_attention_heads: 64,
  num_key_value_heads: 8,
  head_dim: 64,
  intermediate_size: 2880,
  num_local_experts: experts,
  num_experts_per_tok: 4,
  sliding_window: 128,
  sliding_window_pattern: 2,
  vocab_size: 201_088,
  tie_word_embeddings: false,
  quantization_config: { quant_method: 'mxfp4' },
})

const mixtral = (layers: number, hidden: number, heads: number, ffn: number, vocab: number): object => ({
  ...llama(layers, hidden, heads, 8, ffn, vocab),
  model_type: 'mixtral',
  num_local_experts: 8,
  num_experts_per_tok: 2,
})

const configs: Readonly<Record<string, object>> = {
  'llama-3.2-1b': { ...llama(16, 2048, 32, 8, 8192), tie_word_embeddings: true },
  'llama-3.2-3b': { ...llama(28, 3072, 24, 8, 8192), tie_word_embeddings: true },
  'llama-3.1-8b': llama(32, 4096, 32, 8, 14_336),
  'llama-3.1-70b': llama(80, 8192, 64, 8, 28_672),
  'llama-3.1-405b': llama(126, 16_384, 128, 8, 53_248),
  'llama-2-7b': llama(32, 4096, 32, 32, 11_008, 32_000),
  'llama-2-13b': llama(40, 5120, 40, 40, 13_824, 32_000),
  'llama-2-70b': llama(80, 8192, 64, 8, 28_672, 32_000),
  'mistral-7b': llama(32, 4096, 32, 8, 14_336, 32_768),
  'mixtral-8x7b': mixtral(32, 4096, 32, 14_336, 32_000),
  'mixtral-8x22b': mixtral(56, 6144, 48, 16_384, 32_768),
  'qwen2.5-72b': { ...llama(80, 8192, 64, 8, 29_568, 152_064), model_type: 'qwen2' },
  'qwen3-8b': qwen3(36, 4096, 32, 12_288),
  'qwen3-32b': qwen3(64, 5120, 64, 25_600),
  'qwen3-30b-a3b': {
    ...qwen3(48, 2048, 32, 6144),
    model_type: 'qwen3_moe',
    num_key_value_heads: 4,
    num_experts: 128,
    num_experts_per_tok: 8,
    moe_intermediate_size: 768,
  },
  'qwen3-235b-a22b': {
    ...qwen3(94, 4096, 64, 12_288),
    model_type: 'qwen3_moe',
    num_key_value_heads: 4,
    num_experts: 128,
    num_experts_per_tok: 8,
    moe_intermediate_size: 1536,
  },
  'qwen3.5-397b-a17b': {
    ...qwen3(60, 4096, 32, 0),
    model_type: 'qwen3_5_moe',
    head_dim: 256,
    num_key_value_heads: 2,
    vocab_size: 248_320,
    num_experts: 512,
    num_experts_per_tok: 10,
    moe_intermediate_size: 1024,
    shared_expert_intermediate_size: 1024,
    full_attention_interval: 4,
    linear_num_key_heads: 16,
    linear_num_value_heads: 64,
    linear_key_head_dim: 128,
    linear_value_head_dim: 128,
  },
  'deepseek-v3': deepseek,
  'deepseek-r1': deepseek,
  'kimi-k2': { ...kimi, quantization_config: fp8 },
  'kimi-k2.5': { ...kimi, quantization_config: { num_bits: 4 } },
  'glm-5': {
    ...deepseek,
    model_type: 'glm_moe_dsa',
    num_hidden_layers: 78,
    hidden_size: 6144,
    num_attention_heads: 64,
    intermediate_size: 12_288,
    q_lora_rank: 2048,
    qk_nope_head_dim: 192,
    v_head_dim: 256,
    index_topk: 2048,
    vocab_size: 154_880,
  },
  'minimax-m2.5': {
    model_type: 'minimax_m2',
    num_hidden_layers: 62,
    hidden_size: 3072,
    num_attention_heads: 48,
    num_key_value_heads: 8,
    head_dim: 128,
    intermediate_size: 1536,
    num_local_experts: 256,
    num_experts_per_tok: 8,
    vocab_size: 200_064,
    tie_word_embeddings: false,
    quantization_config: fp8,
  },
  'gpt-oss-20b': gptOss(24, 32),
  'gpt-oss-120b': gptOss(36, 128),
  'gpt3-22b': gpt3(48, 6144, 64),
  'gpt3-175b': gpt3(96, 12_288, 96),
  'gpt3-530b': gpt3(105, 20_480, 128),
  'gpt3-1t': gpt3(128, 25_600, 160),
  'mpt-70b': { ...gpt3(80, 8192, 64, 50_432), model_type: 'mpt' },
}

/** Models that are known by name. */
export const presetNames: readonly string[] = Object.keys(configs)

/**
 * The architecture of a model that is known by `name`; {@link presetNames} has all.
 *
 * @throws {InvalidOption} when there is no such preset
 */
export function preset(name: string): Architecture {
  const key = name.toLowerCase()
  if (!Object.hasOwn(configs, key)) {
    throw new InvalidOption(`Unknown model "${name}", and no such file exists`, {
      hint: `Give the path of a Hugging Face config.json, or one of: ${presetNames.join(', ')}.`,
    })
  }
  return fromHuggingFace(configs[key], key)
}
