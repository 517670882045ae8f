/**
 * A span for each batch, through the SDK that the worker's process has registered where `@opentelemetry/api` (an optional peer) is installed: below the span of
 * the program that sent it, whose context came with the batch.
 */
import { openTelemetryIfInstalled } from '../../base/optional-package.ts'
import type { BatchMessage, Outcome } from '../protocol/message.ts'

type Api = typeof import('@opentelemetry/api')

export interface BatchSpan {
  end(outcome: Outcome | undefined): void
}

const noSpan: BatchSpan = { end: () => {} }

export class BatchSpans {
  #api: Api | undefined

  /** Loads the API where it is installed; without it there are no spans. */
  async open(): Promise<void> {
    this.#api = await openTelemetryIfInstalled()
  }

  start({ fns, items, run, trace }: BatchMessage, worker: string): BatchSpan {
    const api = this.#api
    if (!api || !trace) return noSpan
    const parent = api.propagation.extract(api.ROOT_CONTEXT, trace)
    const name = fns.map((fn) => fn.name).join(' → ')
    // Names of the conventions for messaging.
    const attributes = {
      'messaging.system': 'heddle',
      'messaging.operation.type': 'process',
      'messaging.batch.message_count': items.length,
      'messaging.client.id': worker,
      'heddle.run': run,
    }
    const span = api.trace.getTracer('heddle').startSpan(`process ${name}`, { kind: api.SpanKind.CONSUMER, attributes }, parent)
    return {
      end(outcome) {
        const failed = outcome?.kind === 'done' ? (outcome.errors?.length ?? 0) : items.length
        if (failed > 0) {
          span.setAttribute('heddle.items.failed', failed)
          span.setStatus({ code: api.SpanStatusCode.ERROR, message: `${failed} of ${items.length} items` })
        }
        span.end()
      },
    }
  }
}
