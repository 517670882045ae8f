/**
 * Models by transformers.js, which knows how each kind of model is fed and what becomes of its output. Here they run in replicas: in processes of their own, as many
 * as are quickest, behind a queue that is bounded.
 *
 *     MODELS=models  (with a folder MODELS/minilm as on the Hub: config.json, tokenizer.json, tokenizer_config.json, onnx/model.onnx)
 *
 * The package is yours to install: npm install @huggingface/transformers
 */
import { env, pipeline } from '@huggingface/transformers'
import { replica, replicas } from 'heddle/serve'

// A server loads what lies beside it; what it would fetch while it starts could change, or be missing.
env.allowRemoteModels = false
env.localModelPath = process.env['MODELS'] ?? 'models'

export const { minilm } = replicas(import.meta.url, {
  minilm: replica({
    kind: 'embeddings',
    // As many threads as warm-up finds best: by itself each replica would take all cores.
    open: ({ threads }) =>
      pipeline('feature-extraction', 'minilm', {
        dtype: 'fp32',
        session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
      }),
    async run(extract, texts: string[]) {
      const { data, dims } = await extract(texts, { pooling: 'mean', normalize: true })
      const width = dims.at(-1) ?? 0
      return texts.map((_text, row) => data.slice(row * width, (row + 1) * width))
    },
    cost: (extract, text) => extract.tokenizer.encode(text).length,
    close: (extract) => extract.dispose(),
    warmUp: ['a word', 'How do I cancel an order?', 'A paragraph, as it comes in practice. '.repeat(8)],
  }),
})
