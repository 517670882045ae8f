/**
 * The models of these examples. Where they lie is said by the environment:
 *
 *     MINILM=all-MiniLM-L6-v2/model.onnx MINILM_TOKENIZER=all-MiniLM-L6-v2/tokenizer.json SMOLLM=SmolLM2-135M-Instruct.gguf
 *
 * Their engines are yours to install: npm install onnxruntime-node @huggingface/tokenizers node-llama-cpp
 */
import { replicas } from 'heddle/serve'
import { chat } from 'heddle/serve/llama'
import { embeddings } from 'heddle/serve/onnx'

const {
  MINILM = 'models/minilm/model.onnx',
  MINILM_TOKENIZER = 'models/minilm/tokenizer.json',
  SMOLLM = 'models/smollm2.gguf',
} = process.env

export const { minilm } = replicas(import.meta.url, { minilm: embeddings({ model: MINILM, tokenizer: MINILM_TOKENIZER }) })

// One replica: llama.cpp batches its sequences by itself.
export const { smollm } = replicas(
  import.meta.url,
  { smollm: chat({ model: SMOLLM, sequences: 4, context: 1_024 }) },
  { size: 1 },
)
