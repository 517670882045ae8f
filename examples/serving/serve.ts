/**
 * Embeddings and chats on this machine, under one address that OpenAI's clients understand.
 *
 *     npx heddle serve --port 8080 examples/serving/serve.ts
 */
import { serve } from 'heddle/serve'
import { minilm, smollm } from './models.ts'

export default serve({ models: { minilm, smollm } })
