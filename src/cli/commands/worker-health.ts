/**
 * What a platform asks a worker: `/live`, `/ready`, `/metrics`. It is dead only where it could work and does not: a store that is away is no reason to restart
 * every worker at once.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Store } from '../../fleet/engine/store.ts'
import type { Machine } from '../../fleet/worker/machine.ts'

/** With free slots, work that waits and nothing begun for this long, the worker is wedged. */
const wedgedMs = 60_000

export interface Health {
  readonly port: number
  close(): Promise<void>
}

/** @param connect a fresh connection: that of the worker may be what is wrong */
export async function openHealth(port: number, worker: Machine, connect: (tenant: string) => Promise<Store>): Promise<Health> {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
      response.writeHead(status, { 'content-type': type }).end(text)
    }
    const { pathname } = new URL(request.url ?? '/', 'http://worker')
    if (request.method !== 'GET') return answer(405, 'only GET\n')
    if (pathname === '/ready')
      return worker.ready ? answer(200, 'ready\n') : answer(503, worker.draining ? 'draining\n' : 'loading\n')
    if (pathname === '/metrics') return answer(200, metricsOf(worker), 'text/plain; version=0.0.4')
    if (pathname !== '/live') return answer(404, 'there are /live, /ready and /metrics\n')
    isWedged(worker, connect).then(
      (wedged) => (wedged ? answer(503, 'work waits, slots are free, and nothing begins\n') : answer(200, 'live\n')),
      () => answer(200, 'live; the store cannot be reached\n'),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, () => resolve())
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function isWedged(machine: Machine, connect: (tenant: string) => Promise<Store>): Promise<boolean> {
  if (!machine.ready || machine.busy >= machine.slots || performance.now() - machine.metrics.lastBegun < wedgedMs) return false
  for (const { tenant, worker } of machine.tenants) {
    const store = await connect(tenant)
    try {
      const counts = await Promise.all(worker.queues.map((queue) => store.counts(queue)))
      if (counts.some(({ waiting }) => waiting > 0)) return true
    } finally {
      await store.close()
    }
  }
  return false
}

/** In the text format of Prometheus. */
function metricsOf({ slots, busy, metrics }: Machine): string {
  const { batches, items, leaseLost, redelivered, stale, batchTimes, queueTimes } = metrics
  const gauge = (name: string, help: string, value: number): string =>
    `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`
  const counter = (name: string, help: string, value: number): string =>
    `# HELP ${name} ${help}\n# TYPE ${name} counter\n${name} ${value}\n`
  const histogram = (name: string, help: string): string => `# HELP ${name} ${help}\n# TYPE ${name} histogram\n`
  const outcomes = Object.entries(items).map(([outcome, count]) => `heddle_fleet_items_total{outcome="${outcome}"} ${count}\n`)
  return [
    gauge('heddle_fleet_slots', 'Calls that can run at once.', slots),
    gauge('heddle_fleet_batches_running', 'Batches under way.', busy),
    counter('heddle_fleet_batches_total', 'Batches begun.', batches),
    `# HELP heddle_fleet_items_total Items by what became of them.\n# TYPE heddle_fleet_items_total counter\n`,
    ...outcomes,
    histogram('heddle_fleet_batch_seconds', 'How long batches were under way.'),
    batchTimes.lines('heddle_fleet_batch_seconds'),
    histogram('heddle_fleet_queue_seconds', 'How long batches waited before, by why.'),
    ...Object.entries(queueTimes).map(([cause, times]) => times.lines('heddle_fleet_queue_seconds', `cause="${cause}"`)),
    counter('heddle_fleet_lease_lost_total', 'Batches stopped because their lock was not renewed in time.', leaseLost),
    counter('heddle_fleet_redelivered_total', 'Batches that another machine had before.', redelivered),
    counter(
      'heddle_fleet_stale_results_total',
      'Results that the store refused, because the batch had become somebody else’s.',
      stale,
    ),
  ].join('')
}
