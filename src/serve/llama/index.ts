/** `heddle/serve/llama`: chat models in GGUF files, described for `replicas`. */
export { chat } from './chat.ts'
export type { ChatOptions } from './writer.ts'
