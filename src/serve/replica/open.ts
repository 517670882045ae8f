/** Opens replicas as threads or processes of the kind that worker functions run on. */
import { Unserializable } from '../../base/errors.ts'
import { clearTimeout, setTimeout } from '../../base/globals.js'
import { fromWire } from '../../encoding/from-wire.ts'
import type { OpenLink } from '../../workers/host/link.ts'
import type { BatchLimits } from '../queue/chunks.ts'
import { Connection } from './connection.ts'
import type { BatchOutcome, Flight, OpenReplica, ReplicaExit, ReplicaHandle, StreamFlight, StreamOutcome } from './handle.ts'
import {
  functionName,
  type MoreCall,
  type OpenCall,
  type ReplicaFunction,
  type RunCall,
  type RunReply,
  type StreamCall,
} from './in-replica.ts'

/** Parts that may be on their way to a reader: enough that a quick one never waits for a round trip. Chosen. */
export const partsAhead = 64

export interface ReplicaPlace {
  /** URL of the module that describes the model. */
  readonly module: string
  readonly model: string
  readonly slots: number
  readonly isolation: 'thread' | 'process'
}

/** Loads the code of workers when the first replica is opened. */
export function replicaOpener(place: ReplicaPlace): OpenReplica {
  return ({ replica, threads }, gone) => {
    let connection: Connection | undefined
    let killed = false
    let open = false
    const left = (exit: ReplicaExit): void => {
      if (open) gone(exit)
    }
    const begin = async (): Promise<ReplicaHandle> => {
      const link = await linkOf(place.isolation)
      connection = new Connection(link, place.module, `Replica ${replica} of "${place.model}"`, left)
      if (killed) connection.kill()
      const call: OpenCall = { threads, replica, slots: place.slots, shared: place.isolation === 'thread' }
      const { memoryBytes } = (await connection.call(functionName(place.model, 'open'), call).result) as { memoryBytes: number }
      open = true
      return new OpenedReplica(place.model, connection, memoryBytes)
    }
    const handle = begin()
    handle.catch(() => connection?.kill())
    return {
      handle,
      kill() {
        killed = true
        connection?.kill()
      },
    }
  }
}

async function linkOf(isolation: ReplicaPlace['isolation']): Promise<OpenLink> {
  if (isolation === 'process') return (await import('../../workers/host/process.ts')).openProcess
  return (await import('../../workers/host/thread.ts')).openThread
}

class OpenedReplica implements ReplicaHandle {
  readonly memoryBytes: number
  readonly #model: string
  readonly #connection: Connection

  constructor(model: string, connection: Connection, memoryBytes: number) {
    this.#model = model
    this.#connection = connection
    this.memoryBytes = memoryBytes
  }

  get pid(): number | undefined {
    return this.#connection.pid
  }

  run(items: readonly unknown[], limits: BatchLimits): Flight<BatchOutcome> {
    const call: RunCall = { items, limits }
    const { result, cancel } = this.#call('run', call)
    const done = result.then(outcomeOf, (error: unknown) => {
      if (error instanceof Unserializable && items.length > 1) return this.#without(items, limits, error)
      throw error
    })
    return { done, cancel }
  }

  stream(item: unknown, onPart: (part: unknown) => void): StreamFlight {
    const call: StreamCall = { item, window: partsAhead }
    const { id, result, cancel } = this.#call('stream', call, onPart)
    const more = (parts: number): void => {
      const taken: MoreCall = { stream: id, parts }
      // A replica that is gone needs nothing.
      this.#call('more', taken).result.catch(() => {})
    }
    return { done: result as Promise<StreamOutcome>, cancel, more }
  }

  async end(graceMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)))
    const closed = this.#call('close', undefined).result.then(
      () => {},
      () => {},
    )
    await Promise.race([closed, late])
    clearTimeout(timer)
    this.kill()
  }

  kill(): void {
    this.#connection.kill()
  }

  #call(name: ReplicaFunction, argument: unknown, onPart?: (part: unknown) => void): ReturnType<Connection['call']> {
    return this.#connection.call(functionName(this.#model, name), argument, onPart)
  }

  /** The batch again, without the items that cannot cross. */
  async #without(items: readonly unknown[], limits: BatchLimits, error: unknown): Promise<BatchOutcome> {
    const good = items.flatMap((item, at) => (this.#connection.clones(item) ? [at] : []))
    const rest = good.map((at) => items[at])
    if (rest.length === items.length) throw error
    const outcome = rest.length === 0 ? undefined : await this.run(rest, limits).done
    const values: unknown[] = Array.from({ length: items.length })
    const tokens = new Float64Array(items.length)
    const batch = new Float64Array(items.length)
    const errors = items.flatMap((_item, at) => (good.includes(at) ? [] : [{ at, error }]))
    for (const [i, at] of good.entries()) {
      values[at] = outcome?.values[i]
      tokens[at] = outcome?.tokens[i] ?? 0
      batch[at] = outcome?.batch[i] ?? 0
    }
    for (const failed of outcome?.errors ?? []) errors.push({ at: good[failed.at] as number, error: failed.error })
    return { values, errors, tokens, batch }
  }
}

function outcomeOf(reply: unknown): BatchOutcome {
  const { values, errors, tokens, batch } = reply as RunReply
  return { values, errors: errors.map(({ at, error }) => ({ at, error: fromWire(error) })), tokens, batch }
}
