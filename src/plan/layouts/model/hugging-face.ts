/**
 * Reads the `config.json` that a model has on the Hugging Face hub. Families that name the same thing differently are one entry each in
 * {@link aliases}; what cannot be read is refused with the fields that are missing.
 */
import { describe, InvalidOption } from '../../../base/errors.ts'
import type { Architecture, Experts, GroupedAttention, LatentAttention, Precision } from './architecture.ts'

type Config = Readonly<Record<string, unknown>>

interface Family {
  /** `model_type` values. */
  readonly types: readonly string[]
  readonly attention: 'grouped' | 'latent'
  readonly experts: 'none' | 'maybe' | 'all'
  /** GELU with two matrices. */
  readonly plain?: boolean
  /** Tied unless the config says otherwise: what `transformers` takes. */
  readonly tied?: boolean
}

const families: readonly Family[] = [
  {
    types: [
      'llama',
      'mistral',
      'ministral',
      'qwen2',
      'qwen3',
      'phi3',
      'glm',
      'glm4',
      'olmo',
      'olmo2',
      'olmo3',
      'granite',
      'internlm2',
      'internlm3',
      'yi',
      'stablelm',
      'smollm3',
      'exaone',
      'exaone4',
      'seed_oss',
      'nemotron_h_dense',
      'baichuan',
      'deepseek',
      'ernie4_5',
      'hunyuan_v1_dense',
      'apertus',
    ],
    attention: 'grouped',
    experts: 'none',
  },
  { types: ['gemma', 'gemma2', 'gemma3', 'gemma3_text', 'cohere', 'cohere2'], attention: 'grouped', experts: 'none', tied: true },
  { types: ['mixtral', 'phimoe', 'dbrx', 'gpt_oss', 'minimax_m2', 'granitemoe', 'olmoe'], attention: 'grouped', experts: 'all' },
  {
    types: [
      'qwen2_moe',
      'qwen3_moe',
      'glm4_moe',
      'qwen3_next',
      'qwen3_5_moe',
      'qwen3_5_moe_text',
      'qwen3_vl_moe_text',
      'qwen3_vl_moe',
      'ernie4_5_moe',
      'bailing_moe',
      'hunyuan_v1_moe',
      'dots1',
      'minimax',
    ],
    attention: 'grouped',
    experts: 'maybe',
  },
  {
    types: ['deepseek_v2', 'deepseek_v3', 'kimi_k2', 'kimi_k25', 'glm_moe_dsa', 'deepseek_v32', 'minicpm3', 'longcat_flash'],
    attention: 'latent',
    experts: 'maybe',
  },
  {
    types: [
      'gpt2',
      'gpt_bigcode',
      'gpt_neox',
      'gptj',
      'opt',
      'bloom',
      'mpt',
      'falcon',
      'starcoder2',
      'phi',
      'nemotron',
      'gpt_neo',
    ],
    attention: 'grouped',
    experts: 'none',
    plain: true,
  },
]

const aliases = {
  layers: ['num_hidden_layers', 'n_layer', 'n_layers', 'num_layers'],
  hidden: ['hidden_size', 'n_embd', 'd_model'],
  heads: ['num_attention_heads', 'n_head', 'n_heads'],
  kvHeads: ['num_key_value_heads', 'num_kv_heads', 'multi_query_group_num'],
  intermediate: ['intermediate_size', 'ffn_dim', 'n_inner', 'ffn_hidden_size'],
  vocabulary: ['vocab_size'],
  experts: ['n_routed_experts', 'num_local_experts', 'num_experts', 'moe_num_experts'],
  active: ['num_experts_per_tok', 'num_experts_per_token', 'experts_per_token', 'moe_top_k', 'moe_topk', 'moe_k'],
  expertIntermediate: ['moe_intermediate_size', 'expert_ffn_hidden_size'],
} as const

/** Model types that {@link fromHuggingFace} reads. */
export const modelTypes: readonly string[] = families.flatMap((family) => family.types).toSorted()

/**
 * The architecture that a parsed `config.json` describes. Models with vision have their text model under `text_config`.
 * @param name what reports call it
 * @throws {InvalidOption} on an unknown `model_type` and on missing fields, all of them at once
 */
export function fromHuggingFace(json: unknown, name: string): Architecture {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new InvalidOption(`Expected ${name} to hold the object of a Hugging Face config.json, got ${describe(json)}`)
  }
  const outer = json as Config
  const inner = outer['text_config'] ?? outer['llm_config']
  const config: Config = typeof inner === 'object' && inner !== null ? (inner as Config) : outer
  const family = familyOf(config, name)
  const fields = new Fields(config, name)
  const layers = fields.count('layers')
  const hidden = fields.count('hidden')
  const heads = fields.count('heads')
  const vocabulary = fields.count('vocabulary')
  const attention = family.attention === 'latent' ? latent(fields) : grouped(fields, config, hidden, heads)
  const experts = expertsOf(fields, config, family, layers)
  const intermediate = feedForward(fields, family, hidden, experts, layers)
  fields.complete()
  const window = windowOf(config, layers)
  const linear = linearOf(config, hidden, layers)
  return {
    name,
    layers,
    hidden,
    heads,
    attention,
    intermediate,
    gated: family.plain !== true,
    vocabulary,
    tied: booleanOf(config, outer, 'tie_word_embeddings') ?? (family.tied === true || family.plain === true),
    ...(experts && { experts }),
    ...(window && { window }),
    ...(linear && { linear }),
    stored: storedAs(config, outer),
  }
}

function familyOf(config: Config, name: string): Family {
  const type = config['model_type']
  if (typeof type !== 'string') {
    throw new InvalidOption(`${name} does not say its \`model_type\``, {
      hint: 'Give the config.json of a model on the Hugging Face hub; it names its architecture, such as "llama" or "qwen3_moe".',
    })
  }
  const family = families.find((candidate) => candidate.types.includes(type))
  if (family !== undefined) return family
  const near = nearest(type, modelTypes)
  throw new InvalidOption(`${name} has the unknown architecture "${type}"`, {
    hint:
      `If it is a plain decoder with grouped-query attention, set "model_type" to "llama"${near === undefined ? '' : ` (the nearest known name is "${near}")`}. ` +
      `Known: ${modelTypes.join(', ')}.`,
  })
}

/** Reads counts, and collects what is missing so that one error names all of it. */
class Fields {
  readonly #config: Config
  readonly #name: string
  readonly #missing: string[] = []

  constructor(config: Config, name: string) {
    this.#config = config
    this.#name = name
  }

  optional(key: keyof typeof aliases): number | undefined {
    for (const alias of aliases[key]) {
      const value = this.number(alias)
      if (value !== undefined) return value
    }
    return undefined
  }

  count(key: keyof typeof aliases): number {
    const value = this.optional(key)
    if (value === undefined || value === 0) this.#missing.push(aliases[key][0])
    return value ?? Number.NaN
  }

  required(field: string): number {
    const value = this.number(field)
    if (value === undefined) this.#missing.push(field)
    return value ?? Number.NaN
  }

  /** @throws {InvalidOption} when it is there and not a count */
  number(field: string): number | undefined {
    const value = this.#config[field]
    if (value === undefined || value === null) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
    throw new InvalidOption(`Expected \`${field}\` of ${this.#name} to be a whole number from 0 up, got ${describe(value)}`)
  }

  /** @throws {InvalidOption} when something was missing */
  complete(): void {
    if (this.#missing.length === 0) return
    const names = this.#missing.map((field) => `\`${field}\``).join(', ')
    throw new InvalidOption(`${this.#name} lacks ${names}`, {
      hint: "Take the complete config.json from the model's page; a generation or tokenizer config does not describe the layers.",
    })
  }
}

function grouped(fields: Fields, config: Config, hidden: number, heads: number): GroupedAttention {
  // Falcon's first models share one head of keys and values.
  const kvHeads = fields.optional('kvHeads') ?? (config['multi_query'] === true ? 1 : heads)
  return { kind: 'grouped', kvHeads, headDim: fields.number('head_dim') ?? hidden / heads }
}

function latent(fields: Fields): LatentAttention {
  const sparse = fields.number('index_topk')
  return {
    kind: 'latent',
    kvRank: fields.required('kv_lora_rank'),
    ropeDim: fields.required('qk_rope_head_dim'),
    queryRank: fields.number('q_lora_rank') ?? 0,
    nopeDim: fields.required('qk_nope_head_dim'),
    valueDim: fields.required('v_head_dim'),
    ...(sparse !== undefined && { sparse }),
  }
}

function expertsOf(fields: Fields, config: Config, family: Family, layers: number): Experts | undefined {
  if (family.experts === 'none') return undefined
  const count = fields.optional('experts')
  if (count === undefined || count <= 1) {
    if (family.experts === 'all') fields.count('experts')
    return undefined
  }
  const width = fields.optional('expertIntermediate') ?? fields.count('intermediate')
  const shared = fields.number('n_shared_experts') ?? fields.number('num_shared_experts') ?? 0
  const sharedIntermediate =
    fields.number('shared_expert_intermediate_size') ?? fields.number('shared_intermediate_size') ?? shared * width
  const dense = Array.isArray(config['mlp_only_layers']) ? config['mlp_only_layers'].length : 0
  return {
    count,
    active: fields.count('active'),
    intermediate: width,
    sharedIntermediate,
    denseLayers: Math.min(layers, fields.number('first_k_dense_replace') ?? dense),
  }
}

function feedForward(fields: Fields, family: Family, hidden: number, experts: Experts | undefined, layers: number): number {
  if (experts !== undefined && (experts.denseLayers === 0 || layers === 0)) return 0
  // GPT-2, BLOOM and MPT leave it out: four times the width.
  return family.plain === true ? (fields.optional('intermediate') ?? 4 * hidden) : fields.count('intermediate')
}

function windowOf(config: Config, layers: number): Architecture['window'] {
  const tokens = config['sliding_window']
  if (typeof tokens !== 'number' || config['use_sliding_window'] === false) return undefined
  const types = config['layer_types']
  const pattern = config['sliding_window_pattern']
  const windowed = Array.isArray(types)
    ? types.filter((type) => type === 'sliding_attention').length
    : typeof pattern === 'number' && pattern > 1
      ? layers - Math.floor(layers / pattern)
      : config['model_type'] === 'gemma2'
        ? Math.ceil(layers / 2)
        : layers
  return windowed === 0 ? undefined : { layers: windowed, tokens }
}

/** Gated DeltaNet (Qwen3-Next, Qwen3.5): projections in and out, a matrix per value head as its state. */
function linearOf(config: Config, hidden: number, layers: number): Architecture['linear'] {
  const heads = config['linear_num_value_heads']
  const [keyHeads, keyDim, valueDim] = ['linear_num_key_heads', 'linear_key_head_dim', 'linear_value_head_dim'].map((field) =>
    Number(config[field]),
  ) as [number, number, number]
  if (typeof heads !== 'number' || !Number.isFinite(keyHeads * keyDim * valueDim)) return undefined
  const interval = config['full_attention_interval']
  const types = config['layer_types']
  const linear = Array.isArray(types)
    ? types.filter((type) => type === 'linear_attention').length
    : layers - Math.floor(layers / (typeof interval === 'number' ? interval : 4))
  const width = heads * valueDim
  return {
    layers: linear,
    parameters: hidden * (2 * keyHeads * keyDim + 3 * width + 2 * heads),
    stateBytes: 4 * heads * keyDim * valueDim,
  }
}

function storedAs(config: Config, outer: Config): Precision {
  const quantization = (config['quantization_config'] ?? outer['quantization_config']) as Config | undefined
  if (typeof quantization !== 'object' || quantization === null) return 'bf16'
  const text = JSON.stringify({ ...quantization, ignore: undefined, modules_to_not_convert: undefined }).toLowerCase()
  if (/fp4/.test(text)) return 'fp4'
  if (/awq|gptq|"num_bits":4|"bits":4|int4|w4a16/.test(text)) return 'int4'
  if (/fp8|float8|"num_bits":8/.test(text)) return 'fp8'
  return 'bf16'
}

function booleanOf(config: Config, outer: Config, field: string): boolean | undefined {
  const value = config[field] ?? outer[field]
  return typeof value === 'boolean' ? value : undefined
}

/** The name that shares the longest beginning, when that is at least half of it. */
function nearest(type: string, known: readonly string[]): string | undefined {
  const common = (name: string): number => {
    let length = 0
    while (length < name.length && name[length] === type[length]) length++
    return length
  }
  const best = known.toSorted((a, b) => common(b) - common(a))[0]
  return best !== undefined && common(best) * 2 >= Math.min(best.length, type.length) && common(best) > 2 ? best : undefined
}
