/**
 * A model whose answers are steps of a journal: after a crash an agent goes through its calls again, and those that are recorded are read instead
 * of made. An answer is passed on while it comes, and recorded when it is whole: one that broke off is made again.
 */
import { createHash } from 'node:crypto'
import type { AnyLanguageModel } from '../model/sdk-model.ts'
import type { Once } from '../patterns/once.ts'

interface Streaming {
  doStream(options: { readonly prompt?: unknown; readonly tools?: unknown }): PromiseLike<{
    readonly stream: ReadableStream<Part>
  }>
}

interface Part {
  readonly type: string
  readonly timestamp?: unknown
}

/** @param about what the calls belong to; equal calls of it are told apart by their number */
export function recordedModel(model: AnyLanguageModel, step: Once, about: readonly unknown[]): AnyLanguageModel {
  let calls = 0
  const streaming = model as unknown as Streaming
  return {
    specificationVersion: model.specificationVersion,
    provider: model.provider,
    modelId: model.modelId,
    get supportedUrls() {
      return model.supportedUrls
    },
    doGenerate: (options: never) => model.doGenerate(options),
    async doStream(options: { readonly prompt?: unknown; readonly tools?: unknown }) {
      const asked = createHash('sha256')
        .update(JSON.stringify([options.prompt, options.tools]))
        .digest('hex')
      const { readable, writable } = new TransformStream<Part, Part>(undefined, undefined, { highWaterMark: Infinity })
      const writer = writable.getWriter()
      // The answer is read to its end whether or not somebody reads: it is paid for.
      const pass = (part: Part): void => void writer.write(part).catch(() => {})
      return new Promise<{ stream: ReadableStream<Part> }>((resolve, reject) => {
        let begun = false
        const recorded = step('model', [...about, calls++, asked], async () => {
          const { stream } = await streaming.doStream(options)
          begun = true
          resolve({ stream: readable })
          const parts: Part[] = []
          for await (const part of stream as unknown as AsyncIterable<Part>) {
            if (part.type === 'error') throw (part as Part & { readonly error: unknown }).error
            if (part.type !== 'raw') parts.push(written(part))
            // The end is passed on once it is recorded: whoever sees it may act on it.
            if (part.type !== 'finish') pass(part)
          }
          return parts
        })
        Promise.resolve(recorded).then(
          (parts) => {
            resolve({ stream: readable })
            for (const part of parts) if (!begun || part.type === 'finish') pass(revived(part))
            void writer.close().catch(() => {})
          },
          (error: unknown) => {
            reject(error as Error)
            void writer.abort(error).catch(() => {})
          },
        )
      })
    },
  } as AnyLanguageModel
}

/** JSON has no dates and no bytes; the models' parts have their bytes as base64 as well. */
function written(part: Part): Part {
  return JSON.parse(
    JSON.stringify(part, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') : value,
    ),
  ) as Part
}

function revived(part: Part): Part {
  return typeof part.timestamp === 'string' ? { ...part, timestamp: new Date(part.timestamp) } : part
}
