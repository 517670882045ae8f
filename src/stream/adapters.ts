/** Pipelines as the streams of Node and of the web, with backpressure and an end both ways. */
import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'

/** In object mode; destroying it stops the pipeline. */
export function toNode(items: AsyncIterable<unknown>): Readable {
  return Readable.from(items, { objectMode: true, highWaterMark: 1 })
}

/** Reads an item when it is asked for one; cancelling it stops the pipeline. */
export function toWeb<T>(items: AsyncIterable<T>): ReadableStream<T> {
  const iterator = items[Symbol.asyncIterator]()
  return new ReadableStream<T>(
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
