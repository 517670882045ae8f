/** A worker of the fleet inside the test's own process, and a client beside it. */
import { pathToFileURL } from 'node:url'
import { spaceOf } from './naming/names.ts'
import { openStore } from './engine/open.ts'
import { Registry } from './worker/registry.ts'
import type { WorkerSettings } from './worker/settings.ts'
import { FleetWorker } from './worker/worker.ts'

export interface TestWorkerOptions extends Partial<Omit<WorkerSettings, 'registry'>> {
  readonly fleet?: string
  readonly tenant?: string
}

let numbers = 0

/** @param modules URLs of worker modules */
export async function makeWorker(url: string, modules: readonly URL[], options: TestWorkerOptions = {}): Promise<FleetWorker> {
  const loaded = new Map<string, Record<string, unknown>>()
  for (const module of modules) loaded.set(module.href, (await import(module.href)) as Record<string, unknown>)
  const { fleet = 'main', tenant = 'default', ...settings } = options
  const space = spaceOf(fleet, tenant)
  const worker = new FleetWorker(await openStore(url, space), {
    id: `test-${process.pid}-${numbers++}`,
    space,
    registry: new Registry(loaded),
    slots: 2,
    blobs: undefined,
    warn: () => {},
    ...settings,
  })
  return worker
}

export async function startWorker(...of: Parameters<typeof makeWorker>): Promise<FleetWorker> {
  const worker = await makeWorker(...of)
  await worker.start()
  return worker
}

export const fixture = (name: string): URL => new URL(pathToFileURL(`${process.cwd()}/test/fixtures/${name}`))
