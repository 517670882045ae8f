/** `heddle worker`: this machine as part of a fleet, until a signal; the first lets it finish what it has, the second ends it at once. */
import { appendFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { pathToFileURL } from 'node:url'
import { durationMs, type Duration } from '../../base/duration.ts'
import { concurrencyVariable, parallelism, parseConcurrency } from '../../base/parallelism.ts'
import { blobStore } from '../../fleet/engine/blobs.ts'
import { checkStore, openStore } from '../../fleet/engine/open.ts'
import type { Store } from '../../fleet/engine/store.ts'
import { checkName, defaultFleet, defaultTenant, shownModule, spaceOf } from '../../fleet/naming/names.ts'
import type { AuditLine } from '../../fleet/worker/audit.ts'
import { Company } from '../../fleet/worker/company.ts'
import { Machine, type TenantWorker } from '../../fleet/worker/machine.ts'
import { WorkerMetrics } from '../../fleet/worker/metrics.ts'
import { FleetWorker } from '../../fleet/worker/worker.ts'
import { Registry } from '../../fleet/worker/registry.ts'
import type { Invocation } from '../interface/command-spec.ts'
import { exitCodeOf, exitCodes } from '../interface/exit-codes.ts'
import { UsageError } from '../interface/usage-error.ts'
import { drainOnSignal } from '../program/drain-signals.ts'
import { loadModule, programPath } from '../program/load.ts'
import { say } from '../terminal/say.ts'
import { openHealth } from './worker-health.ts'

/** Below the 30 seconds that Kubernetes gives by default, with time to spare. */
const defaultGrace = '25s'
export async function command({ positionals, options }: Invocation): Promise<number> {
  const text = (name: string): string | undefined => (typeof options[name] === 'string' ? options[name] : undefined)
  const url = text('fleet') ?? process.env['FLEET_URL']
  if (url === undefined)
    throw new UsageError('heddle worker needs the address of the store', {
      hint: 'heddle worker --fleet redis://127.0.0.1:6379 FILE, or FLEET_URL in the environment',
    })
  const concurrency = text('concurrency')
  if (concurrency !== undefined) process.env[concurrencyVariable] = String(parseConcurrency(concurrency, '--concurrency'))
  const graceMs = graceOf(text('grace') ?? defaultGrace)
  const fleet = checkName(text('name') ?? defaultFleet, 'name')
  const tenants = tenantsOf(text('tenant') ?? defaultTenant)
  const port = portOf(text('health'))
  const registry = new Registry(await loadAll(positionals))
  const id = `${hostname()
    .replaceAll(/[^\w-]/g, '-')
    .slice(0, 60)}-${process.pid}-${Date.now().toString(36)}`
  const blobs = text('blobs')
  const audit = text('audit')
  const metrics = new WorkerMetrics()
  const company = new Company(parallelism())
  const workers: TenantWorker[] = []
  for (const { tenant, weight } of tenants) {
    const space = spaceOf(fleet, tenant)
    const store = await openStore(url, space)
    await checkStore(store, options['risk'] === true ? 'warn' : 'refuse')
    const worker = new FleetWorker(store, {
      id,
      space,
      registry,
      slots: parallelism(),
      blobs: blobs === undefined ? undefined : blobStore(blobs, space),
      warn: (message) => say(process.stderr, `heddle worker: ${message}`),
      // Its clock is wrong, and another machine may have its batches.
      refused: () => process.exit(exitCodes.failed),
      metrics,
      company,
      ...(audit !== undefined && { audit: (line: AuditLine) => appendFileSync(audit, `${JSON.stringify(line)}\n`) }),
    })
    workers.push({ tenant, weight, worker })
  }
  const machine = new Machine(workers, { slots: parallelism(), metrics })
  const ended = drainOnSignal((first) => {
    if (first) say(process.stderr, `draining: ${machine.busy} batches under way; again to end at once`)
    return machine.drain(graceMs)
  })
  const connect = (tenant: string): Promise<Store> => openStore(url, spaceOf(fleet, tenant))
  const health = port === undefined ? undefined : await openHealth(port, machine, connect)
  try {
    await machine.start()
  } catch (error) {
    await Promise.all([machine.close(), health?.close()])
    throw error
  }
  const modules = registry.modules.map(({ build }) => shownModule(build))
  if (options['json'] === true)
    console.log(JSON.stringify({ worker: id, slots: parallelism(), modules: registry.modules.map(({ build }) => build) }))
  else say(process.stderr, `worker ${id} is ready: ${parallelism()} slots, ${modules.join(', ')}`)
  const signal = await ended
  await health?.close()
  // Threads that ignore their end must not keep it.
  process.exit(exitCodeOf[signal])
}

async function loadAll(files: readonly string[]): Promise<Map<string, Record<string, unknown>>> {
  const loaded = new Map<string, Record<string, unknown>>()
  for (const file of files) {
    const path = programPath(file)
    loaded.set(pathToFileURL(path).href, await loadModule(path))
  }
  return loaded
}

/** `a`, or `a=3,b=1` with the weight of each. */
function tenantsOf(text: string): { readonly tenant: string; readonly weight: number }[] {
  const tenants = text.split(',').map((part) => {
    const [, name = '', weight = '1'] = /^([^=]*)(?:=(.*))?$/s.exec(part.trim()) ?? []
    const value = Number(weight)
    if (weight.trim() === '' || !(value >= 0.01 && value <= 1_000))
      throw new UsageError(
        `Expected the weight of the tenant ${JSON.stringify(name)} to be a number from 0.01 to 1000, got ${JSON.stringify(weight)}`,
        {
          hint: 'heddle worker --tenant acme=3,globex=1',
        },
      )
    return { tenant: checkName(name, 'tenant'), weight: value }
  })
  const [twice] = tenants.filter(({ tenant }, i) => tenants.findIndex((other) => other.tenant === tenant) !== i)
  if (twice) throw new UsageError(`The tenant ${JSON.stringify(twice.tenant)} is named twice`)
  return tenants
}

function graceOf(text: string): number {
  const given = /^\d+(\.\d+)?$/.test(text) ? Number(text) : text
  try {
    return durationMs(given as Duration, 'grace')
  } catch {
    throw new UsageError(`Expected --grace to be a time such as 25s, got ${JSON.stringify(text)}`)
  }
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new UsageError(`Expected --health to be a port from 0 to 65535, got ${JSON.stringify(text)}`)
}
