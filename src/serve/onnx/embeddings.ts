import { checkOptions, type OptionRules, rules } from '../../base/options.ts'
import type { Replica } from '../definition.ts'
import { replica } from '../replicas/replicas.ts'
import { englishTexts, type OnnxModelOptions, openTexts, type TextSession } from './engine.ts'

/** Options of {@link embeddings}. */
export interface EmbeddingsOptions extends OnnxModelOptions {
  /** How one vector is made of those of all tokens: their mean, or the first one, as BGE models want it. @default 'mean' */
  readonly pooling?: 'mean' | 'first'
  /** Vectors of length 1, whose dot product is their similarity. @default true */
  readonly normalize?: boolean
}

export const textRules = {
  model: rules.string,
  tokenizer: {
    expected: 'the path of a tokenizer.json or a function',
    accepts: (value: unknown) => typeof value === 'function' || (typeof value === 'string' && value !== ''),
  },
  padding: rules.whole(0),
  alone: rules.boolean,
  maxTokens: rules.whole(2),
  warmUp: { expected: 'a list of texts', accepts: (value: unknown) => Array.isArray(value) },
  session: rules.object,
  engine: rules.function,
  tokenizers: rules.function,
}

const embeddingsRules: OptionRules<EmbeddingsOptions> = {
  ...textRules,
  pooling: rules.oneOf('mean', 'first'),
  normalize: rules.boolean,
}

/**
 * A model of embeddings in an ONNX file, such as all-MiniLM-L6-v2 or BGE. Needs `onnxruntime-node` and `@huggingface/tokenizers`.
 *
 * A text has the same vector alone and in a batch: a model that quantizes its activations, whose vectors would depend on the batch, computes texts one by one (`alone`).
 *
 * @throws {InvalidOption} for a wrong option
 * @example
 * export const { embedder } = replicas(import.meta.url, {
 *   embedder: embeddings({ model: 'models/minilm.onnx', tokenizer: 'models/tokenizer.json' }),
 * })
 */
export function embeddings(options: EmbeddingsOptions): Replica<string, Float32Array> {
  checkOptions<EmbeddingsOptions>(options, embeddingsRules, 'embeddings')
  const { pooling = 'mean', normalize = true } = options
  return replica({
    kind: 'embeddings',
    open: ({ threads }) => openTexts(options, threads),
    run: (model: TextSession, texts: string[]): Promise<Float32Array[]> =>
      model.each(texts, ({ output, lengths }) => {
        const vectors = pooled(output.data as Float32Array, output.dims, lengths, pooling)
        return normalize ? vectors.map(unit) : vectors
      }),
    cost: (model, text) => model.count(text),
    close: (model) => model.close(),
    warmUp: options.warmUp ?? englishTexts,
  })
}

/** One vector for each text, of one for each of its tokens, or as the model has made it already. */
function pooled(
  data: Float32Array,
  dims: readonly number[],
  lengths: readonly number[],
  pooling: 'mean' | 'first',
): Float32Array[] {
  const width = dims.at(-1) ?? 0
  if (dims.length === 2) return lengths.map((_length, row) => data.slice(row * width, (row + 1) * width))
  const longest = dims[1] ?? 0
  return lengths.map((length, row) => {
    const from = row * longest * width
    if (pooling === 'first') return data.slice(from, from + width)
    const mean = new Float32Array(width)
    for (let token = 0; token < length; token++)
      for (let i = 0; i < width; i++) mean[i] = (mean[i] as number) + (data[from + token * width + i] as number)
    return mean.map((sum) => sum / Math.max(1, length))
  })
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector)
  return length === 0 ? vector : vector.map((value) => value / length)
}
