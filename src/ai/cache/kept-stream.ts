/** Streams that are kept on their way, and given again. */
import type { StreamPart } from '../model/sdk-model.ts'

/** Characters of a stream that is kept; a longer one is passed on and forgotten. Chosen. */
const mostCharacters = 2 ** 20

/** Passes a stream on. @param done gets all parts and the last one, when it has ended well */
export function keepingParts(
  stream: ReadableStream<StreamPart>,
  done: (parts: readonly StreamPart[], last: Extract<StreamPart, { type: 'finish' }>) => void,
): ReadableStream<StreamPart> {
  let parts: StreamPart[] | undefined = []
  let characters = 0
  let last: Extract<StreamPart, { type: 'finish' }> | undefined
  return stream.pipeThrough(
    new TransformStream<StreamPart, StreamPart>({
      transform(part, controller) {
        controller.enqueue(part)
        if (part.type === 'error') parts = undefined
        if (part.type === 'finish') last = part
        characters += 'delta' in part && typeof part.delta === 'string' ? part.delta.length + 50 : 50
        if (characters > mostCharacters) parts = undefined
        if (part.type !== 'raw') parts?.push(part)
      },
      flush() {
        if (parts && last) done(parts, last)
      },
    }),
  )
}

export function streamOf(parts: readonly StreamPart[]): ReadableStream<StreamPart> {
  const left = parts[Symbol.iterator]()
  return new ReadableStream({
    pull(controller) {
      const { done, value } = left.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
  })
}
