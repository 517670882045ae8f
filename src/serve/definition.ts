/** How people describe models to {@link replicas}: what opens one, what runs it, and how it is served. */
import type { Duration } from '../base/duration.ts'
import type { BreakerOptions } from '../limits/breaker.ts'
import type { HedgeOptions } from '../patterns/hedge.ts'
import type { ChatAbility, ModelKind } from './kinds.ts'

/** What `open` gets. */
export interface OpenSettings {
  /** How many threads the model may compute with: warm-up measures what is best, or `threads` says it. */
  readonly threads: number
  /** Number of the replica, from 0 up. */
  readonly replica: number
  /** How many calls the replica will have under way at once: `slots` of the model. */
  readonly slots: number
}

/** What `run` and `stream` get after the model and their input. */
export interface ReplicaContext {
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** One model: how it is opened in a replica, and how it answers there. It needs `run`, or `stream`, or both. */
export interface ReplicaDefinition<Model = never, In = never, Out = unknown, Part = unknown> {
  /** Opens the model, once per replica, inside its thread or process. */
  readonly open: (settings: OpenSettings) => Model | PromiseLike<Model>
  /**
   * Computes a batch. Gives the result of each item at its position; an `Error` there fails that item alone. When it throws, the batch is
   * run again in two halves, until the items that it fails for are alone.
   */
  readonly run?: (
    model: Model,
    batch: In[],
    context: ReplicaContext,
  ) => readonly (Out | Error)[] | PromiseLike<readonly (Out | Error)[]>
  /** Writes one answer part by part, and gives the whole of it at its end. */
  readonly stream?: (model: Model, item: In, context: ReplicaContext) => AsyncGenerator<Part, Out, undefined>
  /** What an item counts for, such as its tokens. It runs in the replica, where the tokenizer is. @default 1 for each */
  readonly cost?: (model: Model, item: In) => number
  /** Frees what `open` took. @default nothing: the thread or process ends */
  readonly close?: (model: Model) => unknown
  /** What it is for: the addresses under which a server offers it. @default 'function' */
  readonly kind?: ModelKind
  /** Of a chat: what its requests may have beyond messages of text. @default [] */
  readonly accepts?: readonly ChatAbility[]
  /**
   * Typical inputs. Each replica computes some before it takes work, and `'auto'` settings are measured on them. @default none: as many replicas as cores,
   * of one thread each; the batch size is measured on the first 32 inputs, for half a second at one replica
   */
  readonly warmUp?: readonly In[]
  /** How many calls one replica has under way at once: for engines that batch by themselves, such as llama.cpp with its sequences. @default 1 */
  readonly slots?: number
}

declare const types: unique symbol

/** A model that {@link replica} describes, or an adapter of an engine: only its input, its result and its parts show. */
export interface Replica<In, Out, Part = never> {
  /** @internal Only for types. */
  readonly [types]: { readonly in: (item: In) => void; readonly out: Out; readonly part: Part }
}

/** Options of {@link replicas}. They hold for each model of the record. */
export interface ReplicasOptions {
  /** How many replicas each model has. `'auto'`: as many as warm-up finds best. @default 'auto' */
  readonly size?: number | 'auto'
  /** How many threads each replica computes with; `open` gets the number. @default 'auto' */
  readonly threads?: number | 'auto'
  /**
   * Replicas more than that, open and warm, which get no work until another one is lost: its place is then taken at once. Each takes the memory of one. @default 0
   */
  readonly spare?: number
  /** `'process'`: child processes, which any crash leaves alone. `'thread'`: worker threads of this process. @default 'process' */
  readonly isolation?: 'thread' | 'process'
  /** How items are put together. */
  readonly batch?: BatchOptions
  /** What may wait. Beyond it calls are refused at once. */
  readonly queue?: QueueOptions
  /** Shares of tenants by name, above 0. @default 1 for each */
  readonly weights?: Readonly<Record<string, number>>
  /** How often a call is tried again whose replica died under it. Only for models that may see an input twice. @default 0 */
  readonly retry?: number
  /** How long one batch, or one stream, may take. After it the replica is ended and replaced. @default no limit */
  readonly timeout?: Duration
  /** A batch that is slower than most is computed at a second, idle replica as well. @default never */
  readonly hedge?: HedgeOptions
  /** Of each replica. It gets no work while its breaker is open. @default those of a circuit breaker: five failures in a row, 10 s */
  readonly breaker?: BreakerOptions
  /** How long warm-up may measure, `open` not counted. @default '3s' */
  readonly measure?: Duration
  /**
   * What the models of this record may take together, in megabytes of resident memory. The one that was used least recently is unloaded when
   * another one needs the room, and loaded again at its next call. @default no limit
   */
  readonly memoryMb?: number
}

/** How items are put together into batches. */
export interface BatchOptions {
  /**
   * How many at most. `'auto'`: what was fastest at warm-up. Where items are counted by `cost`, it is their tokens together that are found and bounded: on a
   * CPU a few short texts gain by company and long ones do not. @default 'auto'
   */
  readonly items?: number | 'auto'
  /** How many tokens at most, counted as the longest item times the number of items. A longer item runs alone. No batch is larger, whatever warm-up finds. @default 16_384 */
  readonly tokens?: number
}

/** What may wait before a model. */
export interface QueueOptions {
  /** How many items. @default 512 */
  readonly items?: number
  /** How many tokens. @default no limit */
  readonly tokens?: number
  /** How long: a call is refused when it would probably wait for longer, by what the latest batches took. @default no limit */
  readonly wait?: Duration
}
