/** Models in replicas: a module describes them where they are written, and everybody else calls them as if they were functions. */
import { Cancellation } from '../../base/abort.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { type Duration, durationMs } from '../../base/duration.ts'
import { describe, InvalidOption } from '../../base/errors.ts'
import { currentFrame, isTaskContext } from '../../base/frame.ts'
import { performance } from '../../base/globals.js'
import { checkFunction, checkOptions, type OptionRules, rules } from '../../base/options.ts'
import { parallelism } from '../../base/parallelism.ts'
import { type HedgeOptions, hedgeRules } from '../../patterns/hedge.ts'
import { circuitBreaker } from '../../limits/index.ts'
import { refOf } from '../../run/executor.ts'
import { workers } from '../../workers/define.ts'
import { insideWorker } from '../../workers/in-worker.ts'
import type { BatchOptions, QueueOptions, Replica, ReplicaDefinition, ReplicasOptions } from '../definition.ts'
import { type AskSettings, Model } from '../model/model.ts'
import type { Loadable } from '../model/settings.ts'
import type { OpenReplica } from '../replica/handle.ts'
import { type AnyDefinition, functionName, replicaFunctions } from '../replica/in-replica.ts'
import { replicaOpener } from '../replica/open.ts'
import { asServed, type Served, type ServedCallOptions } from '../served.ts'
import { SharedMemory } from './memory.ts'
import { PartQueue } from './part-queue.ts'

/** What `replicas` gives: each model of the record as a function of one item. */
export type ServedModels<D> = {
  readonly [K in keyof D]: D[K] extends Replica<infer In, infer Out, infer Part> ? Served<In, Out, Part> : never
}

const definitionRules: OptionRules<ReplicaDefinition> = {
  open: rules.function,
  run: rules.function,
  stream: rules.function,
  cost: rules.function,
  close: rules.function,
  kind: rules.oneOf('embeddings', 'chat', 'classify', 'function'),
  accepts: rules.listOf('tools', 'images', 'prompt'),
  warmUp: { expected: 'a list of inputs', accepts: (value) => Array.isArray(value) },
  slots: rules.whole(1),
}

const optionRules: OptionRules<ReplicasOptions> = {
  size: rules.whole(1, ['auto']),
  threads: rules.whole(1, ['auto']),
  spare: rules.whole(0),
  isolation: rules.oneOf('thread', 'process'),
  batch: rules.object,
  queue: rules.object,
  weights: {
    expected: 'a record of numbers above 0',
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((weight) => typeof weight === 'number' && weight > 0 && weight < Number.POSITIVE_INFINITY),
  },
  retry: rules.whole(0),
  timeout: rules.duration,
  hedge: rules.object,
  breaker: rules.object,
  measure: rules.duration,
  memoryMb: rules.number(1),
}

const batchRules: OptionRules<BatchOptions> = { items: rules.whole(1, ['auto']), tokens: rules.whole(1) }
const queueRules: OptionRules<QueueOptions> = { items: rules.whole(1), tokens: rules.whole(1), wait: rules.duration }
const callRules: OptionRules<ServedCallOptions> = {
  signal: rules.signal,
  deadline: rules.duration,
  priority: { expected: 'a number', accepts: (value) => Number.isFinite(value) },
  tenant: { expected: 'text', accepts: (value) => typeof value === 'string' },
}

/** Four long answers of a token limit as servers have it; chosen. */
const defaultBatchTokens = 16_384
/** As the server of text-embeddings-inference has it. */
const defaultQueueItems = 512
const defaultCloseGraceMs = 10_000
/** To close a model: files and sockets. */
const endGraceMs = 2_000

/**
 * Describes one model of a record whose models differ in their types: each keeps its own.
 *
 * @param definition what opens the model, and what runs it
 * @throws {InvalidOption} for a definition without `open`, or without `run` and `stream`
 * @example
 * export const { embedder, chat } = replicas(import.meta.url, {
 *   embedder: replica({ open: loadEmbedder, run: (model, texts: string[]) => model.embed(texts) }),
 *   chat: replica({ open: loadChat, stream: (model, question: string) => model.answer(question) }),
 * })
 */
export function replica<Model, In, Out, Part = never>(
  definition: ReplicaDefinition<Model, In, Out, Part>,
): Replica<In, Out, Part> {
  checkDefinition(definition, 'replica')
  return definition as unknown as Replica<In, Out, Part>
}

/**
 * Models in replicas, behind a bounded and fair queue. Each replica is a process (or thread) of its own with one instance of the model; it is opened at the
 * first call, or by `ready()`. Replicas that are lost are started again.
 *
 * @param module `import.meta.url`: every replica loads the module again, so that it must be a module of its own
 * @param models by name; each has `open`, and `run` or `stream`. Inputs and results are copied as `structuredClone` copies them
 * @returns each model as a function of one item, which can also be asked for parts, figures and its end
 * @throws {InvalidOption} for a wrong option, and when the module is the program's entry
 *
 * @example
 * // model.ts
 * export const { embedder } = replicas(import.meta.url, {
 *   embedder: { open: () => loadModel(), run: (model, texts: string[]) => model.embed(texts), cost: (model, text) => model.count(text) },
 * }, { queue: { items: 100 } })
 * // main.ts
 * const vector = await embedder('one text', { deadline: '2s' })
 */
export function replicas<const D extends Readonly<Record<string, Replica<never, unknown, unknown>>>>(
  module: string,
  models: D,
  options?: ReplicasOptions,
): ServedModels<D>
export function replicas<Name extends string, Model, In, Out, Part = never>(
  module: string,
  models: { readonly [K in Name]: ReplicaDefinition<Model, In, Out, Part> },
  options?: ReplicasOptions,
): { readonly [K in Name]: Served<In, Out, Part> }
export function replicas(module: string, models: unknown, options: ReplicasOptions = {}): unknown {
  return replicasWith(module, models, options, systemClock)
}

/** @internal With a clock, and replicas, of the caller's. */
export function replicasWith(
  module: string,
  models: unknown,
  options: ReplicasOptions,
  clock: Clock,
  open?: (name: string) => OpenReplica,
): Record<string, Served> {
  const definitions = checkModels(models)
  checkReplicasOptions(options)
  const functions = Object.entries(definitions).map(([name, definition]) => replicaFunctions(name, definition))
  // Inside a replica this is what its host calls; elsewhere it checks the module.
  const defined = workers(module, Object.assign({}, ...functions) as Record<string, () => unknown>)
  if (insideWorker()) return mapped(definitions, (name, definition) => unreachable(name, definition))
  const memory = options.memoryMb === undefined ? undefined : new SharedMemory(options.memoryMb * 1_000_000)
  return mapped(definitions, (name, definition) => {
    const { slots = 1 } = definition
    const url = refOf(defined[functionName(name, 'open')])?.module ?? module
    const isolation = options.isolation ?? (process.versions.bun === undefined ? 'process' : 'thread')
    const opener = open?.(name) ?? replicaOpener({ module: url, model: name, slots, isolation })
    return servedModel(name, definition, new Model(settingsOf(name, definition, options, { clock, open: opener, memory })))
  })
}

function mapped<T>(
  definitions: Readonly<Record<string, AnyDefinition>>,
  make: (name: string, definition: AnyDefinition) => T,
): Record<string, T> {
  return Object.freeze(
    Object.fromEntries(Object.entries(definitions).map(([name, definition]) => [name, make(name, definition)])),
  )
}

interface Setting {
  readonly clock: Clock
  readonly open: OpenReplica
  readonly memory: SharedMemory | undefined
}

function settingsOf(
  name: string,
  definition: AnyDefinition,
  options: ReplicasOptions,
  { clock, open, memory }: Setting,
): Model['settings'] {
  const { batch = {}, queue = {}, weights = {}, hedge, breaker = {} } = options
  return {
    name,
    kind: definition.kind ?? 'function',
    clock,
    open,
    counted: definition.cost !== undefined,
    bounds: { items: queue.items ?? defaultQueueItems, tokens: queue.tokens ?? Number.POSITIVE_INFINITY },
    maxWaitMs: queue.wait === undefined ? Number.POSITIVE_INFINITY : durationMs(queue.wait, 'wait'),
    weightOf: (tenant) => (Object.hasOwn(weights, tenant) ? (weights[tenant] as number) : 1),
    size: options.size ?? 'auto',
    threads: options.threads ?? 'auto',
    spare: options.spare ?? 0,
    cores: parallelism(),
    slots: definition.slots ?? 1,
    batchItems: definition.run ? (batch.items ?? 'auto') : 1,
    batchTokens: batch.tokens ?? defaultBatchTokens,
    retry: options.retry ?? 0,
    timeoutMs: options.timeout === undefined ? undefined : durationMs(options.timeout, 'timeout'),
    hedge,
    breaker,
    warmUp: definition.warmUp ?? [],
    runs: definition.run !== undefined,
    measureMs: durationMs(options.measure ?? '3s', 'measure'),
    endGraceMs,
    room: async (model: Loadable) => memory?.room(model),
    loaded: async (model: Loadable) => memory?.loaded(model),
    quiet: () => memory?.quiet(),
  }
}

function servedModel(name: string, definition: AnyDefinition, model: Model): Served {
  const { stream } = definition
  const ask: Served['ask'] = async (item, options) => model.ask(item, askSettings(name, options, undefined))
  return asServed(async (item, options) => (await ask(item, options)).value, {
    ask,
    stream(item, options) {
      if (!stream)
        throw new InvalidOption(`The model "${name}" gives its answers whole: its definition has no \`stream\``, {
          hint: `Call ${name}(item), or describe the model with \`stream\`.`,
        })
      const parts = new PartQueue()
      const settings = askSettings(name, options, parts)
      const call = model.begin(item, settings)
      return parts.follow(call)
    },
    name,
    kind: definition.kind ?? 'function',
    accepts: definition.accepts ?? [],
    streams: stream !== undefined,
    stats: () => model.stats,
    ready: () => model.load(),
    close({ grace }: { readonly grace?: Duration } = {}) {
      return model.close(grace === undefined ? defaultCloseGraceMs : durationMs(grace, 'grace'))
    },
  })
}

function askSettings(name: string, options: Parameters<Served['ask']>[1], parts: PartQueue | undefined): AskSettings {
  const { cancellation } = currentFrame()
  const own = parts?.cancellation
  const onPart = parts && ((part: unknown): void => parts.push(part))
  if (options === undefined || isTaskContext(options)) {
    const left = options === undefined ? undefined : options.deadline - performance.now()
    const deadlineMs = left === undefined ? undefined : Math.max(0, left)
    return { deadlineMs, priority: 0, tenant: '', cancellations: [cancellation, own], onPart }
  }
  checkOptions<ServedCallOptions>(options, callRules, name)
  return {
    deadlineMs: options.deadline === undefined ? undefined : durationMs(options.deadline, 'deadline'),
    priority: options.priority ?? 0,
    tenant: options.tenant ?? '',
    cancellations: [cancellation, own, Cancellation.of(options.signal)],
    onPart,
  }
}

/** What a model is to code inside a replica, or in any other worker. */
function unreachable(name: string, definition: AnyDefinition): Served {
  const refuse = (): never => {
    throw new InvalidOption(`The model "${name}" was called inside a worker; replicas belong to the program that opened them`, {
      hint: 'Call it from the main program. Inside `run` and `stream` use the opened model, which they get.',
    })
  }
  const refuseLater = async (): Promise<never> => refuse()
  return asServed(refuseLater, {
    ask: refuseLater,
    stream: refuse,
    name,
    kind: definition.kind ?? 'function',
    accepts: definition.accepts ?? [],
    streams: definition.stream !== undefined,
    stats: refuse,
    ready: refuseLater,
    close: async () => {},
  })
}

function checkModels(models: unknown): Readonly<Record<string, AnyDefinition>> {
  if (typeof models !== 'object' || models === null || Array.isArray(models) || Object.keys(models).length === 0)
    throw new InvalidOption(`Expected replicas(import.meta.url, …) to get a record of models, got ${describe(models)}`)
  for (const [name, definition] of Object.entries(models)) checkDefinition(definition, `the model "${name}"`)
  return models as Readonly<Record<string, AnyDefinition>>
}

function checkDefinition(definition: unknown, where: string): void {
  checkOptions<ReplicaDefinition>(definition, definitionRules, where)
  checkFunction(definition.open, 'open', where)
  if (!definition.run && !definition.stream)
    throw new InvalidOption(`Expected ${where} to have \`run\` or \`stream\`, got neither`, {
      hint: 'run: (model, batch) => results of all of them. stream: async function* (model, item) writes one answer part by part.',
    })
}

function checkReplicasOptions(options: ReplicasOptions): void {
  checkOptions<ReplicasOptions>(options, optionRules, 'replicas')
  checkOptions<BatchOptions>(options.batch ?? {}, batchRules, '`batch`')
  checkOptions<QueueOptions>(options.queue ?? {}, queueRules, '`queue`')
  checkOptions<HedgeOptions>(options.hedge ?? {}, hedgeRules, '`hedge`')
  // It checks its own options.
  circuitBreaker(options.breaker)
}
