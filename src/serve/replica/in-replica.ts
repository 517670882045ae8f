/**
 * The replica's side: one model, and the functions by which the host reaches it. They are worker functions of the module that describes the model, so
 * that modules are loaded, values cross and errors come back as with any other.
 */
import { describe, InvalidOption, toError } from '../../base/errors.ts'
import { packError } from '../../encoding/errors.js'
import type { WireError } from '../../encoding/encoded.ts'
import type { TaskContext } from '../../base/frame.ts'
import { insideWorker } from '../../workers/in-worker.ts'
import type { ReplicaDefinition } from '../definition.ts'
import { type BatchLimits, chunks } from '../queue/chunks.ts'

/** What the host calls; the names of the functions begin with that of the model. */
export type ReplicaFunction = 'open' | 'run' | 'stream' | 'more' | 'close'

export function functionName(model: string, name: ReplicaFunction): string {
  return `${model}:${name}`
}

export interface OpenCall {
  readonly threads: number
  readonly replica: number
  readonly slots: number
  /** The thread shares its process with others: only what was added counts. */
  readonly shared: boolean
}

export interface RunCall {
  readonly items: readonly unknown[]
  readonly limits: BatchLimits
}

export interface RunReply {
  readonly values: readonly unknown[]
  readonly errors: readonly { readonly at: number; readonly error: WireError }[]
  readonly tokens: Float64Array
  readonly batch: Float64Array
}

export interface StreamCall {
  readonly item: unknown
  /** How many parts may be on their way to a reader that has not taken them. */
  readonly window: number
}

export interface StreamReply {
  readonly value: unknown
  readonly tokens: number
}

export interface MoreCall {
  readonly stream: number
  readonly parts: number
}

/** A definition with its types forgotten. */
export type AnyDefinition = ReplicaDefinition<unknown, unknown>
type Call<A, R> = (call: A, context: TaskContext & { readonly batch?: number }) => Promise<R>

/** The worker functions of one model. On the host nobody calls them. */
export function replicaFunctions(name: string, definition: AnyDefinition): Record<string, (...args: never[]) => unknown> {
  let opened: Promise<unknown> | undefined
  const windows = new Map<number, Window>()
  const model = (): Promise<unknown> => opened ?? Promise.reject(new InvalidOption(`The model "${name}" is not open`))
  const count = (of: unknown, item: unknown): number => tokensOf(definition, of, item)

  const open: Call<OpenCall, { readonly memoryBytes: number }> = async ({ shared, ...settings }) => {
    const before = process.memoryUsage.rss()
    opened = Promise.resolve(definition.open(settings))
    await opened
    const after = process.memoryUsage.rss()
    return { memoryBytes: shared ? Math.max(0, after - before) : after }
  }
  const run: Call<RunCall, RunReply> = async ({ items, limits }, context) => {
    const opened = await model()
    const batch = new Batch(definition, opened, items, context)
    await batch.run(limits, (item) => count(opened, item))
    return batch.reply
  }
  const stream: Call<StreamCall, StreamReply> = async ({ item, window }, context) => {
    const opened = await model()
    // First, so that an item that cannot be counted fails before anything is written.
    const tokens = count(opened, item)
    const write = definition.stream as NonNullable<AnyDefinition['stream']>
    const id = context.batch as number
    const free = new Window(window)
    windows.set(id, free)
    const { signal } = context
    const stop = (): void => free.open()
    signal.addEventListener('abort', stop)
    const parts = write(opened, item, { signal })
    try {
      for (;;) {
        await free.take()
        signal.throwIfAborted()
        const next = await parts.next()
        if (next.done) return { value: next.value, tokens }
        insideWorker()?.part(id, next.value)
      }
    } finally {
      signal.removeEventListener('abort', stop)
      windows.delete(id)
      // A generator that was left has things to close.
      await parts.return(undefined as never)
    }
  }
  const more: Call<MoreCall, void> = async ({ stream: id, parts }) => windows.get(id)?.give(parts)
  const close: Call<unknown, void> = async () => void (opened && (await definition.close?.(await opened)))
  const functions: Record<ReplicaFunction, unknown> = { open, run, stream, more, close }
  return Object.fromEntries(
    Object.entries(functions).map(([key, fn]) => [functionName(name, key as ReplicaFunction), fn as () => unknown]),
  )
}

function tokensOf(definition: AnyDefinition, model: unknown, item: unknown): number {
  if (!definition.cost) return 1
  const tokens = definition.cost(model, item)
  if (typeof tokens === 'number' && tokens >= 0 && Number.isFinite(tokens)) return tokens
  throw new InvalidOption(`Expected \`cost\` to give a number from 0 up, got ${describe(tokens)}`)
}

/** Parts that may be written before the reader has taken some. */
class Window {
  #free: number
  #waiting: (() => void) | undefined
  #ended = false

  constructor(free: number) {
    this.#free = free
  }

  take(): Promise<void> | void {
    if (this.#ended || this.#free-- > 0) return
    return new Promise((resolve) => (this.#waiting = resolve))
  }

  give(parts: number): void {
    this.#free += parts
    if (this.#free < 0) return
    this.#waiting?.()
    this.#waiting = undefined
  }

  /** Holds up nobody any more. */
  open(): void {
    this.#ended = true
    this.#waiting?.()
  }
}

/** One batch: cut to the exact bounds, and each failure kept to the items that it belongs to. */
class Batch {
  readonly #definition: AnyDefinition
  readonly #model: unknown
  readonly #items: readonly unknown[]
  readonly #context: TaskContext
  readonly #values: unknown[]
  readonly #errors: { at: number; error: WireError }[] = []
  readonly #tokens: Float64Array
  readonly #batch: Float64Array

  constructor(definition: AnyDefinition, model: unknown, items: readonly unknown[], context: TaskContext) {
    this.#definition = definition
    this.#model = model
    this.#items = items
    this.#context = context
    this.#values = Array.from({ length: items.length })
    this.#tokens = new Float64Array(items.length)
    this.#batch = new Float64Array(items.length)
  }

  get reply(): RunReply {
    return { values: this.#values, errors: this.#errors, tokens: this.#tokens, batch: this.#batch }
  }

  async run(limits: BatchLimits, count: (item: unknown) => number): Promise<void> {
    const places: number[] = []
    for (const [at, item] of this.#items.entries()) {
      try {
        this.#tokens[at] = count(item)
        places.push(at)
      } catch (error) {
        this.#fail(at, error)
      }
    }
    places.sort((a, b) => (this.#tokens[a] as number) - (this.#tokens[b] as number))
    for (const chunk of chunks(places, this.#tokens, limits)) await this.#compute(chunk)
  }

  async #compute(places: readonly number[]): Promise<void> {
    const items = places.map((at) => this.#items[at])
    const { signal } = this.#context
    for (const at of places) this.#batch[at] = places.length
    try {
      signal.throwIfAborted()
      const { run, stream } = this.#definition
      const values: unknown = run
        ? await run(this.#model, items, { signal })
        : [await whole(stream, this.#model, items[0], signal)]
      this.#keep(places, values)
    } catch (error) {
      const [only] = places
      if (signal.aborted || places.length === 1) for (const at of places) this.#fail(at, error)
      else if (only !== undefined) {
        const half = places.length >> 1
        await this.#compute(places.slice(0, half))
        await this.#compute(places.slice(half))
      }
    }
  }

  #keep(places: readonly number[], values: unknown): void {
    const list = values as ArrayLike<unknown> | null
    if (typeof list !== 'object' || list === null || list.length !== places.length) {
      const got = typeof list === 'object' && list !== null && 'length' in list ? `${list.length} results` : describe(values)
      const error = new InvalidOption(
        `Expected \`run\` to give a list of ${places.length} results, one for each item, got ${got}`,
      )
      for (const at of places) this.#fail(at, error)
      return
    }
    for (const [i, at] of places.entries()) {
      const value = list[i]
      if (value instanceof Error) this.#fail(at, value)
      else this.#values[at] = value
    }
  }

  #fail(at: number, error: unknown): void {
    this.#errors.push({ at, error: packError(toError(error)) })
  }
}

/** The whole answer of a model that only streams. */
async function whole(stream: AnyDefinition['stream'], model: unknown, item: unknown, signal: AbortSignal): Promise<unknown> {
  const parts = (stream as NonNullable<AnyDefinition['stream']>)(model, item, { signal })
  for (;;) {
    const next = await parts.next()
    if (next.done) return next.value
  }
}
