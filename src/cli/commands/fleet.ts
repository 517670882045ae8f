/** `heddle fleet`: prepares a store, looks at a fleet, cancels a run, drains a worker. */
import { setTimeout as sleep } from 'node:timers/promises'
import { initStore, openStore } from '../../fleet/engine/open.ts'
import type { Store } from '../../fleet/engine/store.ts'
import { InvalidOption } from '../../base/errors.ts'
import { quotaOf, shownQuota } from '../../fleet/client/quota.ts'
import { type FleetStatus, statusOf } from '../../fleet/client/status.ts'
import { checkName, defaultFleet, defaultTenant, shownModule, spaceOf } from '../../fleet/naming/names.ts'
import type { Invocation } from '../interface/command-spec.ts'
import { exitCodes } from '../interface/exit-codes.ts'
import { UsageError } from '../interface/usage-error.ts'
import { say, sayJson } from '../terminal/say.ts'

const watchMs = 1_000

interface Asked {
  readonly store: Store
  readonly fleet: string
  readonly tenant: string
  readonly id: string | undefined
  readonly rate: string | undefined
  readonly json: boolean
  readonly watch: boolean
}

const actions: Readonly<Record<string, (asked: Asked) => Promise<number>>> = { check, init: check, status, cancel, drain, quota }

export async function command({ positionals: [action = '', ...rest], options }: Invocation): Promise<number> {
  const [id] = rest
  const text = (name: string): string | undefined => (typeof options[name] === 'string' ? options[name] : undefined)
  const fleet = checkName(text('name') ?? defaultFleet, 'name')
  const tenant = checkName(text('tenant') ?? defaultTenant, 'tenant')
  const url = text('fleet') ?? process.env['FLEET_URL']
  if (action === 'dockerfile' || action === 'manifests') {
    const { dockerfile, manifests } = await import('./fleet/deployment.ts')
    const store = url ?? 'redis://redis:6379'
    process.stdout.write(
      action === 'dockerfile' ? dockerfile(rest) : await manifests({ fleet, tenant, url: store, files: rest, text }),
    )
    return exitCodes.ok
  }
  const act = Object.hasOwn(actions, action) ? actions[action] : undefined
  if (!act)
    throw new UsageError(
      `Expected heddle fleet ${[...Object.keys(actions), 'manifests', 'dockerfile'].join(' | ')}, got ${JSON.stringify(action)}`,
    )
  if ((action === 'cancel' || action === 'drain') && id === undefined)
    throw new UsageError(`heddle fleet ${action} needs an id`, { hint: 'heddle fleet status shows them' })
  if (rest.length > 1) throw new UsageError(`heddle fleet ${action} takes one id, got ${rest.length}`)
  if (url === undefined)
    throw new UsageError('heddle fleet needs the address of the store', {
      hint: 'heddle fleet status --fleet redis://127.0.0.1:6379, or FLEET_URL in the environment',
    })
  const space = spaceOf(fleet, tenant)
  if (action === 'init') {
    const made = await initStore(url, space)
    if (options['json'] !== true) say(process.stdout, made)
  }
  const store = await openStore(url, space)
  try {
    return await act({
      store,
      fleet,
      tenant,
      id,
      rate: text('rate'),
      json: options['json'] === true,
      watch: options['watch'] === true,
    })
  } finally {
    await store.close()
  }
}

/** Exit code 1 where the store may lose work. */
async function check({ store, json }: Asked): Promise<number> {
  const wrong = await store.preflight()
  if (json) sayJson(process.stdout, JSON.stringify({ ok: wrong.length === 0, wrong }))
  else if (wrong.length === 0) say(process.stdout, 'the store keeps what it is given')
  else say(process.stdout, ...wrong.map((each) => `it may lose work: ${each}`))
  return wrong.length === 0 ? exitCodes.ok : exitCodes.failed
}

async function status({ store, fleet, tenant, json, watch }: Asked): Promise<number> {
  for (;;) {
    const seen = await statusOf(store, fleet, tenant)
    if (json) sayJson(process.stdout, JSON.stringify(seen))
    else say(process.stdout, ...table(seen))
    if (!watch) return exitCodes.ok
    await sleep(watchMs)
    if (!json && process.stdout.isTTY) process.stdout.write('\u001B[2J\u001B[H')
  }
}

function table({ fleet, tenant, workers, slots, waiting, active, done, runs }: FleetStatus): string[] {
  return [
    `fleet ${fleet}, tenant ${tenant}: ${workers.length} workers, ${slots} slots; batches: ${waiting} wait, ${active} run, ${done} to be taken`,
    ...workers.map(
      (each) =>
        `  worker ${each.id}  ${each.slots} slots${each.draining ? ', draining' : ''}  ${each.modules.map(shownModule).join(', ')}`,
    ),
    ...runs.map((run) => `  run ${run.id}  ${run.fn}  from ${run.host}, process ${run.pid}`),
  ]
}

async function cancel({ store, id = '', json }: Asked): Promise<number> {
  const record = await store.runs.get(id)
  if (!record)
    throw new UsageError(`There is no run ${JSON.stringify(id)}`, { hint: 'heddle fleet status shows those that are there' })
  // The record is the truth; the event makes it quick.
  await store.runs.put(id, { ...(record.data as object), cancelled: true })
  await store.publish({ type: 'cancel-run', run: id })
  await store.publish({ type: 'cancel', run: id })
  if (json) sayJson(process.stdout, JSON.stringify({ cancelled: id }))
  else say(process.stdout, `the run ${id} is cancelled`)
  return exitCodes.ok
}

async function drain({ store, id = '', json }: Asked): Promise<number> {
  if (!(await store.workers.get(id)))
    throw new UsageError(`There is no worker ${JSON.stringify(id)}`, { hint: 'heddle fleet status shows those that are there' })
  await store.publish({ type: 'drain', worker: id })
  if (json) sayJson(process.stdout, JSON.stringify({ draining: id }))
  else say(process.stdout, `the worker ${id} is asked to drain`)
  return exitCodes.ok
}

/** Without a number and a rate it shows what there is. */
async function quota({ store, id, rate, json }: Asked): Promise<number> {
  if (id !== undefined || rate !== undefined) {
    if (id !== undefined && id !== 'none' && !/^[1-9]\d{0,5}$/.test(id))
      throw new UsageError(`Expected a whole number from 1 up, or none, got ${JSON.stringify(id)}`)
    try {
      await store.setQuota(quotaOf({ concurrency: id === undefined || id === 'none' ? undefined : Number(id), rate }))
    } catch (error) {
      throw error instanceof InvalidOption ? new UsageError(error.message) : error
    }
  }
  const now = await store.quota()
  if (json) sayJson(process.stdout, JSON.stringify({ concurrency: now.concurrency ?? null, rate: now.rate ?? null }))
  else say(process.stdout, shownQuota(now))
  return exitCodes.ok
}
