/**
 * What clients and workers say to each other, and how it is read: a queue may have been written by anybody, so nothing is believed unseen.
 */
import type { WireError } from '../../encoding/encoded.ts'

export const wireVersion = 1

/** Names a worker function in a message. Never a path that anybody would load: workers look it up among what they have registered. */
export interface FunctionName {
  readonly package: string
  readonly module: string
  readonly name: string
}

/** Where in a batch a broadcast value stands: it lies beside the messages, under the hash of its content. */
export interface BroadcastAt {
  readonly at: number
  /** Which argument; -1 where the item is the argument. */
  readonly argument: number
  /** Which field of it; undefined: all of it. */
  readonly key?: string
  /** SHA-256 of its text, in hexadecimal. */
  readonly hash: string
}

/** Why a batch waited: every slot was busy, its tenant has a quota, a machine had been lost with it, or only the trip through the store. */
export const queueCauses = ['no-free-slot', 'quota', 'redelivery', 'transfer'] as const
export type QueueCause = (typeof queueCauses)[number]

/** Items next to each other in the input of one map, or calls of one turn. */
export interface BatchMessage {
  readonly v: typeof wireVersion
  /** Id of the run's record. */
  readonly run: string
  /** What the items go through, one after the other. */
  readonly fns: readonly FunctionName[]
  /** Index of the first item in the run. */
  readonly first: number
  readonly items: readonly unknown[]
  /** Each item is a list of arguments. */
  readonly spread?: true
  /** For each item its index and attempt as the caller counts them, where they differ from the position and 1. */
  readonly meta?: readonly number[]
  /** Idempotency key of the run, of which each item has its own by its index; or one for each call. */
  readonly key?: string | readonly string[]
  readonly timeoutMs?: number
  /** Milliseconds of the store's clock since 1970. */
  readonly deadline?: number
  /** When it was sent, by the same clock. */
  readonly sentAt?: number
  /** The caller wants to know when each item ran. */
  readonly observed?: true
  /** It may be run again where a machine was lost with it. */
  readonly again?: true
  /** How many machines have been lost with these items, in batches before this one. */
  readonly losses?: number
  /** Places in `items` that hold nothing until a broadcast value is put there. */
  readonly broadcasts?: readonly BroadcastAt[]
  /** The caller's context of OpenTelemetry, as its propagator writes it: `traceparent` and the like. */
  readonly trace?: Readonly<Record<string, string>>
}

/** What became of a batch. */
export type Outcome = Done | Without

export interface Done {
  readonly v: typeof wireVersion
  readonly kind: 'done'
  /** Results in the order of the items, of those that have one. */
  readonly values: readonly unknown[]
  /** Places of the items that `values` are of; left out where all have one. */
  readonly at?: readonly number[]
  readonly errors?: readonly (readonly [at: number, error: WireError])[]
  /** Places of items that had not begun when the machine was drained or the run cancelled. */
  readonly returned?: readonly number[]
  /** How long the machine had it, in milliseconds. */
  readonly tookMs: number
  /** How long it had waited in the queue before, and why. */
  readonly queuedMs?: number
  readonly cause?: QueueCause
  readonly worker: string
  /** When each item of `values` began and ended, in milliseconds of the store's clock. */
  readonly times?: readonly number[]
  /** Which slot of the machine ran each item of `values`, from 0 up; left out where nobody observes. */
  readonly slots?: readonly number[]
}

/**
 * `lost`: a machine was lost with it, and it must not run again. `divide`: that happened often, so it must be divided. `over`: its run is over.
 * `refused`: the worker would not run it at all.
 */
export interface Without {
  readonly v: typeof wireVersion
  readonly kind: 'lost' | 'divide' | 'over' | 'refused'
  readonly worker: string
  readonly losses?: number
  readonly error?: WireError
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= 1_000
const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0
const isOptional = (value: unknown, check: (value: unknown) => boolean): boolean => value === undefined || check(value)
const isFlag = (value: unknown): boolean => value === true
const isTime = (value: unknown): boolean => typeof value === 'number' && value >= 0
const isListOf = (value: unknown, check: (value: unknown) => boolean): value is readonly unknown[] =>
  Array.isArray(value) && value.every(check)

const isBroadcastAt = (value: unknown): value is BroadcastAt =>
  isObject(value) &&
  isCount(value['at']) &&
  Number.isInteger(value['argument']) &&
  isOptional(value['key'], isText) &&
  typeof value['hash'] === 'string' &&
  /^[0-9a-f]{64}$/.test(value['hash'])

/** Is there such a place, with nothing in it? */
function fits({ at, argument, key }: BroadcastAt, items: readonly unknown[], spread: boolean): boolean {
  if (spread !== argument >= 0) return false
  const item: unknown = spread ? (items[at] as readonly unknown[] | undefined)?.[argument] : items[at]
  if (key === undefined) return item === null
  return typeof item === 'object' && item !== null && Object.hasOwn(item, key) && (item as Record<string, unknown>)[key] === null
}

const isCarrier = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every(isText) && Object.keys(value).length <= 10

/** @throws {TypeError} what is wrong with it */
export function readBatch(value: unknown): BatchMessage {
  if (!isObject(value)) throw new TypeError('it is not an object')
  if (value['v'] !== wireVersion)
    throw new TypeError(`it has version ${String(value['v'])} of the protocol, and this is ${wireVersion}`)
  const { run, fns, first, items, meta } = value
  if (!isText(run) || !/^[\w-]+$/.test(run)) throw new TypeError('it has no run')
  const named = (fn: unknown): boolean => isObject(fn) && isText(fn['package']) && isText(fn['module']) && isText(fn['name'])
  if (!isListOf(fns, named) || fns.length === 0 || fns.length > 100) throw new TypeError('it has no function')
  if (!isCount(first) || !Array.isArray(items)) throw new TypeError('it has no items')
  if (meta !== undefined && !(isListOf(meta, isCount) && meta.length === 2 * items.length))
    throw new TypeError('its indices do not fit its items')
  if (value['spread'] === true && !items.every(Array.isArray)) throw new TypeError('its arguments are not lists')
  const { key } = value
  if (key !== undefined && !isText(key) && !(isListOf(key, isText) && key.length === items.length))
    throw new TypeError('its keys do not fit its items')
  const { broadcasts } = value
  const isHolder = (place: unknown): boolean => isBroadcastAt(place) && fits(place, items, value['spread'] === true)
  if (!isOptional(broadcasts, (list) => isListOf(list, isHolder)))
    throw new TypeError('its broadcast values do not fit its items')
  const rest =
    isOptional(value['trace'], isCarrier) &&
    isOptional(value['spread'], isFlag) &&
    isOptional(value['observed'], isFlag) &&
    isOptional(value['again'], isFlag) &&
    isOptional(value['losses'], isCount) &&
    isOptional(value['timeoutMs'], isTime) &&
    isOptional(value['deadline'], isTime) &&
    isOptional(value['sentAt'], isTime)
  if (!rest) throw new TypeError('one of its options is not what it should be')
  return value as unknown as BatchMessage
}

/** @throws {TypeError} what is wrong with it */
export function readOutcome(value: unknown, count: number): Outcome {
  if (!isObject(value) || value['v'] !== wireVersion || !isText(value['worker'])) throw new TypeError('it is not an outcome')
  const { kind, values, at, errors, returned, times } = value
  if (kind === 'lost' || kind === 'divide' || kind === 'over') return value as unknown as Without
  if (kind === 'refused' && isObject(value['error'])) return value as unknown as Without
  const isPlace = (place: unknown): boolean => isCount(place) && place < count
  if (kind !== 'done' || !Array.isArray(values)) throw new TypeError('it is of an unknown kind')
  if (at === undefined ? values.length !== count : !(isListOf(at, isPlace) && at.length === values.length))
    throw new TypeError('its results do not fit the items')
  if (!isOptional(errors, (list) => isListOf(list, (entry) => Array.isArray(entry) && isPlace(entry[0]) && isObject(entry[1]))))
    throw new TypeError('its errors do not fit the items')
  if (!isOptional(returned, (list) => isListOf(list, isPlace))) throw new TypeError('what it gives back does not fit the items')
  if (!isOptional(value['slots'], (list) => isListOf(list, isCount) && list.length === values.length))
    throw new TypeError('its slots do not fit the results')
  if (!isOptional(value['queuedMs'], isTime) || !isOptional(value['cause'], (cause) => queueCauses.includes(cause as QueueCause)))
    throw new TypeError('its queue time is not what it should be')
  if (!isOptional(times, (list) => isListOf(list, (time) => typeof time === 'number') && list.length === 2 * values.length))
    throw new TypeError('its times do not fit the results')
  return value as unknown as Done
}
