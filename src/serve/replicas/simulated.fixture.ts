/** Replicas of a few lines on a clock that a test moves. */
import type { SimulatedClock } from '../../base/clock.ts'
import { WorkerCrashed } from '../../base/errors.ts'
import type { BatchOutcome, OpenReplica, ReplicaExit, ReplicaHandle } from '../replica/handle.ts'

export interface Simulation {
  readonly open: OpenReplica
  /** Batches in the order in which they began. */
  readonly batches: { readonly replica: number; readonly items: readonly unknown[]; readonly atMs: number; cancelled: boolean }[]
  /** When replicas were opened. */
  readonly opened: { readonly replica: number; readonly atMs: number }[]
  /** Ends a replica as `kill -9` does. */
  kill(replica: number): void
  /** Not ended. */
  readonly live: () => number
}

export interface SimulationSettings {
  readonly clock: SimulatedClock
  /** How long a batch takes; `Infinity` hangs. */
  readonly ms: (items: readonly unknown[], replica: number) => number
  readonly fails?: (items: readonly unknown[], replica: number) => unknown
  /** What an item counts for. @default 1 */
  readonly tokens?: (item: unknown) => number
  readonly openMs?: number
  readonly opens?: (replica: number) => unknown
  readonly memoryBytes?: number
}

export function simulate(settings: SimulationSettings): Simulation {
  const { clock, openMs = 10, memoryBytes = 0, tokens = () => 1 } = settings
  const batches: Simulation['batches'] = []
  const opened: Simulation['opened'] = []
  const kills = new Map<number, () => void>()
  const live = new Set<object>()
  const open: OpenReplica = ({ replica }, gone) => {
    const lost = new Set<(error: unknown) => void>()
    let ended = false
    const handle: ReplicaHandle = {
      pid: undefined,
      memoryBytes,
      run(items) {
        const batch = { replica, items, atMs: clock.now(), cancelled: false }
        batches.push(batch)
        const done = new Promise<BatchOutcome>((resolve, reject) => {
          lost.add(reject)
          const finish = (): void => {
            lost.delete(reject)
            const error = settings.fails?.(items, replica)
            if (error !== undefined) return reject(error)
            resolve({
              values: items.map((item) => `${String(item)} by ${replica}`),
              errors: [],
              tokens: items.map(tokens),
              batch: items.map(() => items.length),
            })
          }
          clock.schedule(settings.ms(items, replica), finish)
        })
        return { done, cancel: () => (batch.cancelled = true) }
      },
      stream: () => {
        throw new Error('not simulated')
      },
      async end() {
        end({ reason: 'ended', code: 0, error: undefined }, false)
      },
      kill: () => end({ reason: 'signal SIGKILL', code: undefined, error: undefined }),
    }
    const end = (exit: ReplicaExit, says = true): void => {
      if (ended) return
      ended = true
      live.delete(handle)
      for (const reject of lost) reject(new WorkerCrashed(`Replica ${replica} ended before its calls did: ${exit.reason}`))
      if (says) gone(exit)
    }
    const handled = new Promise<ReplicaHandle>((resolve, reject) => {
      clock.schedule(openMs, () => {
        const error = settings.opens?.(replica)
        if (error !== undefined) return reject(error)
        live.add(handle)
        opened.push({ replica, atMs: clock.now() })
        kills.set(replica, () => handle.kill())
        resolve(handle)
      })
    })
    return { handle: handled, kill: () => end({ reason: 'killed', code: undefined, error: undefined }, false) }
  }
  return { open, batches, opened, kill: (replica) => kills.get(replica)?.(), live: () => live.size }
}
