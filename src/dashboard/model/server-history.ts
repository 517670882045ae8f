/** The last minutes of a server of models, from what it says of itself each second. Bounded. */
import type { ServerSnapshot } from '../../serve/http/watch/snapshot.ts'
import type { ServerHistoryView, ServerView } from '../protocol.ts'

/** A quarter of an hour, second by second; chosen. */
const kept = 900

export class ServerHistory {
  #snapshots: ServerSnapshot[] = []

  push(snapshot: ServerSnapshot): void {
    this.#snapshots.push(snapshot)
    if (this.#snapshots.length > kept) this.#snapshots.shift()
  }

  /** Undefined before the server has said anything. */
  view(): ServerView | undefined {
    const snapshot = this.#snapshots.at(-1)
    return snapshot && { snapshot, history: historyOf(this.#snapshots) }
  }
}

function historyOf(snapshots: readonly ServerSnapshot[]): ServerHistoryView {
  const each = <T>(read: (snapshot: ServerSnapshot) => T): readonly T[] => snapshots.map(read)
  const sum = ({ models }: ServerSnapshot, of: 'items' | 'tokens'): number =>
    models.reduce((total, { stats }) => total + stats.queue[of], 0)
  const latency = (of: 'p50' | 'p95' | 'p99') => each(({ second }) => (second.answered > 0 ? second[of] : null))
  return {
    at: each(({ upMs }) => Math.round(upMs)),
    answered: each(({ second }) => second.answered),
    refused: each(({ second }) => second.refused),
    failed: each(({ second }) => second.failed),
    p50: latency('p50'),
    p95: latency('p95'),
    p99: latency('p99'),
    underWay: each(({ underWay }) => underWay),
    queueItems: each((snapshot) => sum(snapshot, 'items')),
    queueTokens: each((snapshot) => sum(snapshot, 'tokens')),
    busy: each(({ models }) => {
      const replicas = models.flatMap(({ stats }) => stats.replicas)
      return replicas.length === 0 ? 0 : replicas.reduce((total, { busy }) => total + busy, 0) / replicas.length
    }),
    rssBytes: each(({ rssBytes, models }) => models.reduce((total, { stats }) => total + stats.memoryBytes, rssBytes)),
  }
}
