/** `heddle/serve/llama`: chat models in GGUF files, described for `replicas`. */
export { chat, type ChatOptions } from './chat.ts'
