/** The model as heddle serves it. Every replica loads this module. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { replicas } from 'heddle/serve'
import { embeddings } from 'heddle/serve/onnx'
import { texts } from './texts.mjs'

const { onnx, minilm: files } = JSON.parse(process.env.HEDDLE_BENCH_SERVING ?? '{}')
const from = (name) => () => import(pathToFileURL(createRequire(join(onnx, 'package.json')).resolve(name)).href)

export const { minilm } = replicas(
  import.meta.url,
  {
    minilm: embeddings({
      ...files,
      warmUp: texts(64, 7),
      engine: from('onnxruntime-node'),
      tokenizers: from('@huggingface/tokenizers'),
    }),
  },
  // Half a second at the 99th percentile is what the overload row asks for.
  { queue: { wait: '250ms' }, retry: process.env.HEDDLE_BENCH_RETRY === '1' ? 1 : 0 },
)
