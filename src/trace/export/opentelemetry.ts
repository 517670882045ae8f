/**
 * Live spans through the program's own OpenTelemetry SDK (`@opentelemetry/api`, an optional peer).
 *
 * A run is a span, below the task inside which it was started, on whatever thread that ran; outside every task, below the span that
 * was active then. A task is a span below its run, with its own times also when they come from another thread, and links to what it needed.
 */
import { performance } from '../../base/globals.js'
import type { Context, Span, SpanContext, Tracer } from '@opentelemetry/api'
import { because } from '../../base/errors.ts'
import { openTelemetry } from '../../base/optional-package.ts'
import { withoutSecrets } from '../../base/secrets.ts'
import { Recent } from '../../base/recent.ts'
import { summarise } from '../record/error-text.ts'
import { channels, type RunRecord, type TaskRecord } from '../../base/observer.ts'
import { checkOptions, rules } from '../../base/options.ts'

type Api = typeof import('@opentelemetry/api')

/** How runs become spans. */
export interface OpenTelemetryOptions {
  /** Makes the spans. @default the tracer `heddle` of the global provider */
  readonly tracer?: { startSpan(...args: never[]): unknown }
}

/** Spans as they are made; {@link LiveSpans.stop} ends it. */
export interface LiveSpans {
  /** Listens no more, and ends the spans that are open. */
  stop(): void
}

/**
 * Publishes every run and task of this program as spans, from now on.
 *
 * @throws {HeddleError} (as a rejection) when `@opentelemetry/api` is not installed
 *
 * @example
 * const spans = await publishSpans()
 */
export async function publishSpans(options: OpenTelemetryOptions = {}): Promise<LiveSpans> {
  checkOptions<OpenTelemetryOptions>(options, { tracer: rules.object }, 'publishSpans')
  const api = await openTelemetry('Publishing spans')
  return new Publisher(api, (options.tracer as Tracer | undefined) ?? api.trace.getTracer('heddle'))
}

interface OpenSpan {
  readonly span: Span
  /** With the span as the active one. */
  readonly context: Context
}

interface OpenRun extends OpenSpan {
  /** Of its tasks that have settled: what later ones link to. Kept only where tasks can need one another, and no more than the latest. */
  readonly settled: Recent<number, SpanContext> | undefined
}

/** A task of a stream needs one of the latest; a graph that is larger loses links, and a scope that lives as long as its server keeps this much. Chosen. */
const linkable = 10_000

/** In these runs no task needs another. */
const withoutNeeds: ReadonlySet<string> = new Set(['map', 'call', 'scatter'])

class Publisher implements LiveSpans {
  readonly #api: Api
  readonly #tracer: Tracer
  readonly #runs = new Map<number, OpenRun>()
  readonly #tasks = new Map<number, OpenSpan>()

  constructor(api: Api, tracer: Tracer) {
    this.#api = api
    this.#tracer = tracer
    channels.runStart.subscribe(this.#onRunStart)
    channels.runSettle.subscribe(this.#onRunSettle)
    channels.taskStart.subscribe(this.#onTaskStart)
    channels.taskSettle.subscribe(this.#onTaskSettle)
  }

  stop(): void {
    channels.runStart.unsubscribe(this.#onRunStart)
    channels.runSettle.unsubscribe(this.#onRunSettle)
    channels.taskStart.unsubscribe(this.#onTaskStart)
    channels.taskSettle.unsubscribe(this.#onTaskSettle)
    for (const { span } of [...this.#tasks.values(), ...this.#runs.values()]) safely(() => span.end())(undefined)
    this.#tasks.clear()
    this.#runs.clear()
  }

  readonly #onRunStart = safely((message: unknown): void => {
    const run = message as RunRecord
    const above = this.#tasks.get(run.parentTask) ?? this.#runs.get(run.parentRun)
    const opened = this.#open(
      run.name === '' ? run.kind : run.name,
      run.startedAt,
      above?.context ?? this.#api.context.active(),
      {
        'heddle.kind': run.kind,
        'heddle.total': run.total,
        'heddle.concurrency': run.concurrency,
      },
    )
    this.#runs.set(run.id, { ...opened, settled: withoutNeeds.has(run.kind) ? undefined : new Recent(linkable) })
  })

  readonly #onRunSettle = safely((message: unknown): void => {
    const run = message as RunRecord
    const opened = this.#runs.get(run.id)
    if (!opened) return
    this.#runs.delete(run.id)
    if (run.state === 'failed') opened.span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
    opened.span.end(epoch(run.settledAt))
  })

  readonly #onTaskStart = safely((message: unknown): void => {
    const task = message as TaskRecord
    const run = this.#runs.get(task.run.id)
    if (!run || this.#tasks.has(task.id)) return
    const links = (task.needs ?? []).flatMap((need) => {
      const context = run.settled?.get(need)
      return context ? [{ context, attributes: { 'heddle.link': 'needs' } }] : []
    })
    const name = task.name ?? `${task.run.name === '' ? task.run.kind : task.run.name}[${task.index}]`
    const attributes = { 'heddle.index': task.index, 'heddle.row': task.row, 'heddle.queued_ms': task.startedAt - task.queuedAt }
    this.#tasks.set(task.id, this.#open(name, task.startedAt, run.context, attributes, links))
  })

  readonly #onTaskSettle = safely((message: unknown): void => {
    const task = message as TaskRecord
    if (!this.#tasks.has(task.id)) {
      // It began before the publishing did, or never: then there is nothing to show.
      if (task.startedAt === 0) return
      this.#onTaskStart(task)
    }
    const opened = this.#tasks.get(task.id)
    if (!opened) return
    this.#tasks.delete(task.id)
    const { span } = opened
    span.setAttributes({ 'heddle.row': task.row, 'heddle.attempts': task.attempts, 'heddle.state': task.state })
    if (task.state === 'failed') {
      // What was thrown may throw when an exporter looks at it, and may hold keys.
      const error = summarise(task.error)
      span.recordException(error, epoch(task.settledAt))
      span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: error.message })
    }
    span.end(epoch(task.settledAt))
    this.#runs.get(task.run.id)?.settled?.set(task.id, span.spanContext())
  })

  #open(
    name: string,
    startedAt: number,
    parent: Context,
    attributes: Record<string, string | number>,
    links: { context: SpanContext }[] = [],
  ): OpenSpan {
    const span = this.#tracer.startSpan(withoutSecrets(name), { startTime: epoch(startedAt), attributes, links }, parent)
    return { span, context: this.#api.trace.setSpan(parent, span) }
  }
}

/** A tracer is somebody else's code. When it throws, a span is lost; thrown into the channel, its error would end the program. */
function safely(listener: (message: unknown) => void): (message: unknown) => void {
  return (message) => {
    try {
      listener(message)
    } catch (error) {
      warnOnce(error)
    }
  }
}

let warned = false

function warnOnce(error: unknown): void {
  if (warned) return
  warned = true
  process.emitWarning(`The tracer of publishSpans failed${because(error)}; spans are lost`, 'HeddleWarning')
}

/** From the clock of `performance.now()` to milliseconds since 1970. */
const epoch = (at: number): number => performance.timeOrigin + at
