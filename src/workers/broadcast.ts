/** One large value for all workers. */
import { Closed, InvalidOption, Unserializable } from '../base/errors.ts'
import { Broadcast as Handle } from '../encoding/broadcast.js'
import { cloneable, findUncloneable } from '../encoding/cloning.js'
import { messageBytes } from '../encoding/message-size.js'
import { seal } from '../encoding/sealed.js'
import { insideWorker } from './in-worker.ts'

/** A value that every worker gets once. What is changed in it afterwards, here or there, nobody else sees. */
export interface Broadcast<T> {
  /** The value: here the one that was given, on a worker its one copy, which no call may change. @throws {Closed} when it has been disposed of */
  readonly value: T
  /** About how many bytes it takes, once on this thread and once on each worker that has needed it. */
  readonly bytes: number
  /** Drops it everywhere; calls that begin later fail. It is dropped too when nobody here holds the handle any more. */
  dispose(): void
  [Symbol.dispose](): void
}

/** What workers are sent. */
export interface BroadcastContent {
  readonly id: number
  readonly size: number
  /** The value as bytes in shared memory, or itself where it cannot be written. */
  readonly bytes?: Uint8Array
  readonly value?: unknown
}

interface Entry {
  readonly content: BroadcastContent
  /** Workers that have it, with what makes them drop it. */
  readonly holders: Map<object, () => void>
}

const entries = new Map<number, Entry>()
const handles = new Map<number, WeakRef<Handle<unknown>>>()
let last = 0

/** Nobody here holds the handle any more. */
const collected = new FinalizationRegistry<number>(drop)

function drop(id: number): void {
  const entry = entries.get(id)
  entries.delete(id)
  handles.delete(id)
  for (const release of entry?.holders.values() ?? []) release()
}

/**
 * Gives `value` to every worker once, however many calls take it: a dictionary, a model, a data set. Pass the handle as an argument of worker functions, as
 * an item, or as a field of one; they read `handle.value`. A worker that starts later gets it with the first call that needs it. Threads and processes,
 * forks and graphs take handles alike.
 *
 * @param value anything that can cross; copied now, so that later changes stay here. Treat it as immutable
 * @throws {Unserializable} when something in it cannot be copied; {@link InvalidOption} inside a worker
 *
 * @example
 * const words = broadcast(dictionary)
 * const found = await map(texts.map((text) => ({ text, words })), lookUp)   // lookUp({ text, words }) reads words.value
 * words.dispose()
 */
export function broadcast<T>(value: T): Broadcast<T> {
  if (insideWorker())
    throw new InvalidOption('Expected broadcast to be called on the thread that starts the calls, not inside a worker', {
      hint: 'Make the handle there, and pass it on; inside a worker a plain variable of the module serves.',
    })
  const bytes = seal(value)
  if (!bytes && !cloneable(value)) {
    const where = findUncloneable(value, 'value') ?? 'value cannot be copied'
    throw new Unserializable(`The value of broadcast cannot cross to workers: ${where}`)
  }
  const id = ++last
  const size = bytes?.length ?? messageBytes(value)
  const content = bytes ? { id, size, bytes } : { id, size, value: structuredClone(value) }
  const handle = new Handle<T>(
    id,
    size,
    () => value,
    () => drop(id),
  )
  entries.set(id, { content, holders: new Map() })
  handles.set(id, new WeakRef(handle))
  collected.register(handle, id)
  return handle
}

/** The handle of that number, as long as somebody has it. */
export function broadcastOf(id: number): unknown {
  return handles.get(id)?.deref() ?? new Handle(id, 0, disposed, () => {})
}

function disposed(): never {
  throw new Closed('The broadcast value has been disposed of')
}

/** Called before a message with the value goes to `holder`: gives what it lacks. @throws {Closed} when it has been disposed of */
export function giveBroadcast(id: number, holder: object, give: (content: BroadcastContent) => void, release: () => void): void {
  const entry = entries.get(id)
  if (!entry) disposed()
  if (entry.holders.has(holder)) return
  entry.holders.set(holder, release)
  give(entry.content)
}

/** The worker has ended. */
export function forgetHolder(holder: object): void {
  for (const { holders } of entries.values()) holders.delete(holder)
}
