/** Pipelines as the streams of Node and of the web, with backpressure and an end both ways. */
import type { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { lazily } from '../base/builtin.js'

const nodeStream = lazily('node:stream')
const webStreams = lazily('node:stream/web')

/** In object mode; destroying it stops the pipeline. */
export function toNode(items: AsyncIterable<unknown>): Readable {
  return nodeStream().Readable.from(items, { objectMode: true, highWaterMark: 1 })
}

/** Reads an item when it is asked for one; cancelling it stops the pipeline. */
export function toWeb<T>(items: AsyncIterable<T>): ReadableStream<T> {
  const iterator = items[Symbol.asyncIterator]()
  return new (webStreams().ReadableStream)<T>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
