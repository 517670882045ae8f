/**
 * The shape of a decoder-only transformer: what its weights, its KV cache and its arithmetic follow from.
 *
 * Counts leave out norms and biases, which are less than a thousandth of the weights.
 */

/** Multi-head, grouped-query or multi-query attention: `kvHeads` between 1 and `heads`. */
export interface GroupedAttention {
  readonly kind: 'grouped'
  readonly kvHeads: number
  readonly headDim: number
}

/** Multi-head latent attention (DeepSeek): one compressed vector per token instead of keys and values per head. */
export interface LatentAttention {
  readonly kind: 'latent'
  readonly kvRank: number
  readonly ropeDim: number
  /** 0: queries are not compressed. */
  readonly queryRank: number
  readonly nopeDim: number
  readonly valueDim: number
  /** Tokens that each token looks at, at most (DeepSeek sparse attention). */
  readonly sparse?: number
}

export interface Experts {
  readonly count: number
  /** Experts that each token goes through. */
  readonly active: number
  readonly intermediate: number
  /** Width of what all tokens go through beside their experts; 0: nothing. */
  readonly sharedIntermediate: number
  /** Layers at the start that are dense. */
  readonly denseLayers: number
}

/** What of a model decides its time and memory: sizes of layers, heads and experts. */
export interface Architecture {
  readonly name: string
  readonly layers: number
  readonly hidden: number
  readonly heads: number
  readonly attention: GroupedAttention | LatentAttention
  /** Width of the dense feed-forward layers; 0 where every layer has experts. */
  readonly intermediate: number
  /** SwiGLU and its relatives have three matrices, GELU two. */
  readonly gated: boolean
  readonly vocabulary: number
  /** The output layer is the embedding's table. */
  readonly tied: boolean
  readonly experts?: Experts
  /** Layers that look back no further than `tokens`. */
  readonly window?: { readonly layers: number; readonly tokens: number }
  /** Layers with a state of fixed size in place of a KV cache. */
  readonly linear?: { readonly layers: number; readonly parameters: number; readonly stateBytes: number }
  /** How the published weights are stored. */
  readonly stored: Precision
}

export const precisions = ['bf16', 'fp8', 'fp4', 'int4'] as const
/** How weights or the cache are stored. */
export type Precision = (typeof precisions)[number]

/** Bytes per weight with its scales: NVFP4 has an 8-bit scale per 16 weights, 4-bit integers a 16-bit one per 32. */
export const bytesPerWeight: Readonly<Record<Precision, number>> = { bf16: 2, fp8: 1, fp4: 0.5 + 1 / 16, int4: 0.5 + 2 / 32 }

/** Matrices of one layer's attention, in parameters. */
export function attentionParameters(model: Architecture): number {
  const { hidden, heads, attention } = model
  if (attention.kind === 'grouped') return hidden * attention.headDim * (2 * heads + 2 * attention.kvHeads)
  const { kvRank, ropeDim, queryRank, nopeDim, valueDim } = attention
  const query = queryRank === 0 ? hidden * heads * (nopeDim + ropeDim) : queryRank * (hidden + heads * (nopeDim + ropeDim))
  return query + hidden * (kvRank + ropeDim) + kvRank * heads * (nopeDim + valueDim) + heads * valueDim * hidden
}

const matrices = (model: Architecture): number => (model.gated ? 3 : 2)

/** Parameters by part, whole model. `expert` is what one expert of one layer holds. */
export interface Parameters {
  readonly attention: number
  /** Dense feed-forward layers, shared experts and routers: what every token goes through. */
  readonly dense: number
  readonly experts: number
  readonly embedding: number
  readonly head: number
  readonly total: number
  /** What one token is multiplied with, the output layer included. */
  readonly active: number
  readonly expert: number
}

/**
 * @example
 * ```ts
 * parameters(presets['llama-3.1-70b']).total // 70.6e9
 * ```
 */
export function parameters(model: Architecture): Parameters {
  const { layers, hidden, intermediate, vocabulary, experts, linear } = model
  const linearLayers = linear?.layers ?? 0
  const attention = (layers - linearLayers) * attentionParameters(model) + linearLayers * (linear?.parameters ?? 0)
  const moeLayers = layersWithExperts(model)
  const expert = experts === undefined ? 0 : matrices(model) * hidden * experts.intermediate
  const shared = experts === undefined ? 0 : matrices(model) * hidden * experts.sharedIntermediate + hidden * experts.count
  const dense = (layers - moeLayers) * matrices(model) * hidden * intermediate + moeLayers * shared
  const all = moeLayers * (experts?.count ?? 0) * expert
  const table = vocabulary * hidden
  const head = model.tied ? 0 : table
  return {
    attention,
    dense,
    experts: all,
    embedding: table,
    head,
    total: attention + dense + all + table + head,
    active: attention + dense + moeLayers * (experts?.active ?? 0) * expert + table,
    expert,
  }
}

export function layersWithExperts(model: Architecture): number {
  return model.experts === undefined ? 0 : model.layers - model.experts.denseLayers
}

/** Layers that keep keys and values of every token, layers with a window, and its length. */
export function cachedLayers(model: Architecture): { readonly full: number; readonly windowed: number; readonly window: number } {
  const windowed = model.window?.layers ?? 0
  return {
    full: model.layers - windowed - (model.linear?.layers ?? 0),
    windowed,
    window: model.window?.tokens ?? 0,
  }
}

/**
 * Values of the KV cache per token and layer on one GPU of `tensor`. Latent attention has one vector for all heads, which every GPU holds;
 * keys and values are split as far as there are heads.
 */
export function cachedValues(model: Architecture, tensor: number): number {
  const { attention } = model
  if (attention.kind === 'latent') return attention.kvRank + attention.ropeDim
  return 2 * Math.max(attention.kvHeads / tensor, 1) * attention.headDim
}

/** Multiply-adds per pair of a token and a token that it looks at, one layer, all heads; times two for operations. */
export function attentionWidth(model: Architecture): number {
  const { attention, heads } = model
  return attention.kind === 'grouped'
    ? heads * 2 * attention.headDim
    : heads * (attention.nopeDim + attention.ropeDim + attention.valueDim)
}
