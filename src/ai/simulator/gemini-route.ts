/** The addresses of Gemini's API: the model and what is asked of it stand in the path. */
import type { IncomingMessage } from 'node:http'
import { type Form, formOf } from './form.ts'
import { gemini } from './gemini.ts'
import { geminiEmbedding } from './gemini-embedding.ts'

/** Whether a request is for Gemini's API. Its `/batches` and `/models` are not OpenAI's, though some of its clients ask for them below `/v1`. */
export function isForGemini({ url, headers }: IncomingMessage): boolean {
  return headers['x-goog-api-key'] !== undefined || /^\/v1(?:alpha|beta)(?:\/|$)|^\/v1\/models\/[^/:]{1,200}:/.test(url ?? '')
}

/** @param path without the version */
export function geminiForm(path: string): Form | undefined {
  const [, encoded = '', verb] = /^\/models\/([^/:]{1,200}):(\w{1,40})$/.exec(path) ?? []
  const model = verb === undefined ? '' : decoded(encoded)
  if (verb === 'generateContent' || verb === 'streamGenerateContent') return formOf(gemini(model, verb !== 'generateContent'))
  if (verb === 'embedContent' || verb === 'batchEmbedContents') return geminiEmbedding(model, verb !== 'embedContent')
  return undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
