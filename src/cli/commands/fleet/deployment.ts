/** `heddle fleet manifests` and `heddle fleet dockerfile`: what a cluster needs to run workers. */
import { pathToFileURL } from 'node:url'
import { moduleBuildOf } from '../../../fleet/naming/build.ts'
import { queueOf, spaceOf } from '../../../fleet/naming/names.ts'
import { UsageError } from '../../interface/usage-error.ts'
import { programPath } from '../../program/load.ts'
import { dockerfileOf } from './dockerfile.ts'
import { manifestsOf } from './manifests.ts'

export interface DeploymentOptions {
  readonly fleet: string
  readonly tenant: string
  readonly url: string
  readonly files: readonly string[]
  /** Of the command line. */
  text(name: string): string | undefined
}

const ports = { redis: 6_379, postgres: 5_432 } as const
/** Of a name in Kubernetes. */
const nameRule = /^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$/

export function dockerfile(files: readonly string[]): string {
  if (files.length === 0)
    throw new UsageError('heddle fleet dockerfile needs worker modules', { hint: 'heddle fleet dockerfile dist/analyse.js' })
  return dockerfileOf(files)
}

/** As a stream of YAML documents, for `kubectl apply -f -`. */
export async function manifests({ fleet, tenant, url, files, text }: DeploymentOptions): Promise<string> {
  const image = text('image')
  if (image === undefined || files.length === 0)
    throw new UsageError('heddle fleet manifests needs an image and worker modules', {
      hint: 'heddle fleet manifests --image registry.example.com/app:1 dist/analyse.js',
    })
  const namespace = text('namespace') ?? 'default'
  const name = `heddle-${fleet}-${tenant}`.toLowerCase().replaceAll('_', '-')
  for (const each of [name, namespace])
    if (!nameRule.test(each))
      throw new UsageError(`Expected a name that Kubernetes takes (a-z, 0-9, -), got ${JSON.stringify(each)}`)
  const { protocol, port } = new URL(url)
  const store = protocol.startsWith('postgres') ? 'postgres' : 'redis'
  const space = spaceOf(fleet, tenant)
  const [slots, min, max] = [
    whole('slots', text('slots') ?? '2', 1),
    whole('min', text('min') ?? '0', 0),
    whole('max', text('max') ?? '10', 1),
  ]
  const deployed = {
    name,
    namespace,
    image,
    files,
    fleet,
    tenant,
    space,
    queues: files.map((file) => queueOf(space, moduleBuildOf(pathToFileURL(programPath(file)).href))),
    store,
    tls: protocol === 'rediss:',
    storePort: port === '' ? ports[store] : Number(port),
    slots,
    min,
    max: Math.max(min, max),
  } as const
  const { stringify } = await import('yaml')
  return manifestsOf(deployed)
    .map((each) => `---\n${stringify(each, { lineWidth: 0 })}`)
    .join('')
}

function whole(name: string, value: string, least: number): number {
  const number = Number(value)
  if (/^\d{1,6}$/.test(value) && number >= least) return number
  throw new UsageError(`Expected --${name} to be a whole number from ${least} up, got ${JSON.stringify(value)}`)
}
