/**
 * A model of transformers.js under an address that OpenAI's clients understand.
 *
 *     npx heddle serve --port 8080 examples/serving/transformers/serve.ts
 */
import { serve } from 'heddle/serve'
import { minilm } from './models.ts'

export default serve({ models: { minilm } })
