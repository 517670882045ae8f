/** Gemini's embeddings: `embedContent` for one content, `batchEmbedContents` for several. */
import { estimateTokens } from '../model/tokens.ts'
import { embeddingOf } from './embedding.ts'
import { embeddingRequest, mostDimensions, neverStreams } from './embedding-wire.ts'
import { fields, list, optional, whole } from './fields.ts'
import type { Call, Form } from './form.ts'
import { gemini } from './gemini.ts'
import { BadRequest, contentText } from './request.ts'

const mostContents = 100

/** @param several whether bodies are those of `batchEmbedContents` */
export function geminiEmbedding(model: string, several: boolean): Form {
  return { refusal: gemini(model, false).refusal, parse: (raw) => callOf(model, several, raw) }
}

function callOf(model: string, several: boolean, raw: unknown): Call {
  const body = fields(raw, 'body')
  const requests = several ? list(body['requests'], 'requests') : [body]
  if (requests.length === 0 || requests.length > mostContents)
    throw new BadRequest(`* BatchEmbedContentsRequest.requests: at most ${mostContents} requests can be in one batch`)
  const asked = requests.map((one, i) => {
    const request = fields(one, `requests[${i}]`)
    const text = contentText(list(fields(request['content'], 'content')['parts'], 'content.parts'))
    if (text === '') throw new BadRequest('* EmbedContentRequest.content: content is empty')
    return { text, dimensions: optional(request['outputDimensionality'], 'outputDimensionality', whole(1, mostDimensions)) }
  })
  const request = embeddingRequest(
    model,
    asked.map(({ text }) => ({ text, tokens: estimateTokens(text) })),
  )
  return {
    request,
    wire: (dimensions) => {
      const embeddings = asked.map((one) => ({ values: embeddingOf(one.text, one.dimensions ?? dimensions) }))
      return {
        ...gemini(model, false),
        ...neverStreams,
        parse: () => request,
        whole: () => (several ? { embeddings } : { embedding: embeddings[0] }),
      }
    },
  }
}
