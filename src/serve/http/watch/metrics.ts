/** What `/metrics` says: the server's own counts, and those of every model. Labels have few values: routes, models, keys, statuses and causes that are known. */
import { memoryUsage } from 'node:process'
import type { ServedStats } from '../../stats.ts'
import { type Labels, PrometheusText } from './prometheus.ts'
import { requestBounds, type Tally } from './tally.ts'

export interface MetricsInput {
  readonly tally: Tally
  readonly models: readonly ServedStats[]
  readonly draining: boolean
  readonly connections: number
  readonly unreadBytes: number
  readonly bodyBytes: number
  readonly clientsDropped: number
  readonly logLinesLost: number
  /** How late the event loop was at worst since the last look. */
  readonly loopDelayMs: number
}

type Sample = readonly [Labels, number]

export function metricsText(input: MetricsInput): string {
  const { tally, models } = input
  const text = new PrometheusText()
  const one = (value: number): readonly Sample[] => [[{}, value]]
  const routes = [...tally.routes.values()]
  const seconds = (ms: number): number => ms / 1_000

  text.counter(
    'heddle_serve_requests_total',
    'Requests that are over.',
    routes.flatMap(({ route, model, statuses }) =>
      [...statuses].map(([status, count]): Sample => [{ route, model, status }, count]),
    ),
  )
  text.histogram(
    'heddle_serve_request_seconds',
    'From the head of a request to the end of its answer.',
    routes.map(({ route, model, buckets, sumSeconds }) => ({
      labels: { route, model },
      bounds: requestBounds,
      counts: buckets,
      sum: sumSeconds,
    })),
  )
  text.counter(
    'heddle_serve_refused_total',
    'Requests without an answer of the model, by cause.',
    [...tally.causes].map(([cause, count]): Sample => [{ cause }, count]),
  )
  const keys = [...tally.keys]
  text.counter(
    'heddle_serve_key_requests_total',
    'Requests by key.',
    keys.map(([key, { requests }]): Sample => [{ key }, requests]),
  )
  text.counter(
    'heddle_serve_key_tokens_total',
    'Tokens by key.',
    keys.flatMap(([key, { tokensIn, tokensOut }]): Sample[] => [
      [{ key, direction: 'in' }, tokensIn],
      [{ key, direction: 'out' }, tokensOut],
    ]),
  )
  text.gauge('heddle_serve_requests_under_way', 'Requests that are being answered.', one(tally.underWay))
  text.gauge('heddle_serve_connections', 'Open connections.', one(input.connections))
  text.gauge('heddle_serve_unread_bytes', 'Bytes of answers that wait for their client.', one(input.unreadBytes))
  text.gauge('heddle_serve_body_bytes', 'Bytes of bodies that are being read.', one(input.bodyBytes))
  text.counter(
    'heddle_serve_clients_dropped_total',
    'Clients that were let go because they did not read.',
    one(input.clientsDropped),
  )
  text.counter('heddle_serve_log_lines_lost_total', 'Lines of the access log that could not be written.', one(input.logLinesLost))
  text.gauge('heddle_serve_draining', '1 while the server takes nothing more.', one(input.draining ? 1 : 0))
  text.gauge(
    'heddle_serve_event_loop_delay_seconds',
    'Worst delay of the event loop since the last look.',
    one(seconds(input.loopDelayMs)),
  )
  text.gauge(
    'process_resident_memory_bytes',
    'Resident memory of the server, without replicas in processes.',
    one(memoryUsage.rss()),
  )

  const each = (read: (stats: ServedStats) => number): readonly Sample[] =>
    models.map((stats) => [{ model: stats.name }, read(stats)])
  text.gauge(
    'heddle_serve_model_ready',
    '1 when the model is loaded and warm.',
    each(({ state }) => (state === 'ready' ? 1 : 0)),
  )
  text.gauge(
    'heddle_serve_queue_items',
    'Items that wait.',
    each(({ queue }) => queue.items),
  )
  text.gauge(
    'heddle_serve_queue_tokens',
    'Tokens of the items that wait.',
    each(({ queue }) => queue.tokens),
  )
  text.gauge(
    'heddle_serve_queue_items_max',
    'How many items may wait.',
    each(({ queue }) => queue.maxItems),
  )
  text.gauge(
    'heddle_serve_queue_oldest_seconds',
    'How long the oldest item has waited.',
    each(({ queue }) => seconds(queue.oldestMs)),
  )
  text.gauge(
    'heddle_serve_items_under_way',
    'Items at replicas.',
    each(({ underWay }) => underWay),
  )
  text.counter(
    'heddle_serve_items_answered_total',
    'Items that were answered.',
    each(({ answered }) => answered),
  )
  text.counter(
    'heddle_serve_items_failed_total',
    'Items that the model rejected.',
    each(({ failed }) => failed),
  )
  text.counter(
    'heddle_serve_items_retried_total',
    'Items tried again after the loss of a replica.',
    each(({ retried }) => retried),
  )
  text.counter(
    'heddle_serve_items_hedged_total',
    'Second tries of slow batches.',
    each(({ hedged }) => hedged),
  )
  text.counter(
    'heddle_serve_items_refused_total',
    'Items without an answer, by cause.',
    models.flatMap(({ name, refused }) =>
      Object.entries(refused).map(([cause, count]): Sample => [{ model: name, cause }, count]),
    ),
  )
  text.counter(
    'heddle_serve_batches_total',
    'Batches.',
    each(({ batches }) => batches.count),
  )
  text.counter(
    'heddle_serve_batch_items_total',
    'Items of all batches.',
    each(({ batches }) => batches.items),
  )
  text.counter(
    'heddle_serve_batch_tokens_total',
    'Tokens of all batches.',
    each(({ batches }) => batches.tokens),
  )
  text.histogram(
    'heddle_serve_item_seconds',
    'From the call to the answer of one item.',
    models.map(({ name, latency }) => ({
      labels: { model: name },
      bounds: latency.boundsMs.map(seconds),
      counts: latency.counts,
      sum: seconds(latency.sumMs),
    })),
  )
  const replicas = models.flatMap(({ name, replicas }) =>
    replicas.map((replica) => ({ labels: { model: name, replica: replica.id }, replica })),
  )
  text.gauge(
    'heddle_serve_replica_busy_ratio',
    'Share of the last ten seconds at work.',
    replicas.map(({ labels, replica }): Sample => [labels, replica.busy]),
  )
  text.counter(
    'heddle_serve_replica_restarts_total',
    'How often a replica was started again.',
    replicas.map(({ labels, replica }): Sample => [labels, replica.restarts]),
  )
  text.gauge(
    'heddle_serve_model_memory_bytes',
    'Resident memory of replicas in processes.',
    each(({ memoryBytes }) => memoryBytes),
  )
  return text.toString()
}
