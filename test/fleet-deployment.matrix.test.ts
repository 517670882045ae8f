/** What `heddle fleet manifests` and `heddle fleet dockerfile` write, read by those who know: the schemas of Kubernetes and KEDA, and hadolint. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { describe, expect, test } from 'vitest'
import { counterparts } from './support/counterparts.ts'
import { spawnHeddle } from './support/cli.ts'

const real = counterparts('fleet')
const models: Readonly<Record<string, string>> = {
  Deployment: 'kubernetes-models/apps/v1',
  PodDisruptionBudget: 'kubernetes-models/policy/v1',
  NetworkPolicy: 'kubernetes-models/networking.k8s.io/v1',
  TriggerAuthentication: '@kubernetes-models/keda/keda.sh/v1alpha1',
  ScaledObject: '@kubernetes-models/keda/keda.sh/v1alpha1',
}
interface Manifest {
  readonly kind: string
  readonly spec: Record<string, unknown>
}
type Model = new (manifest: object) => { validate(): void }

describe.skipIf(!real)('deploying a fleet', () => {
  const modelOf = async (kind: string): Promise<Model> => {
    const file = join(real?.folder ?? '', 'node_modules', models[kind] ?? '', 'index.js')
    return ((await import(pathToFileURL(file).href)) as Record<string, Model>)[kind] as Model
  }
  const written = async (...options: string[]): Promise<Manifest[]> => {
    const { code, stdout, stderr } = await spawnHeddle(
      ['fleet', 'manifests', '--image', 'registry.example.com/app:1', ...options, 'fixtures/fleet.ts'],
      { cwd: import.meta.dirname },
    )
    expect([code, stderr]).toEqual([0, ''])
    return parseAllDocuments(stdout).map((document) => document.toJS() as Manifest)
  }

  test.each(['redis://redis:6379', 'rediss://redis', 'postgres://db/fleet'])(
    'manifests for %s are what Kubernetes and KEDA take',
    async (url) => {
      const manifests = await written('--fleet', url, '--tenant', 'acme', '--slots', '4', '--max', '50')
      expect(manifests.map(({ kind }) => kind)).toEqual(Object.keys(models))
      for (const manifest of manifests) new (await modelOf(manifest.kind))(manifest).validate()
      // The schemas do refuse what is wrong.
      const [deployment] = manifests
      const Deployment = await modelOf('Deployment')
      expect(() => new Deployment({ ...deployment, spec: { replicas: 'many' } }).validate()).toThrow(/./)
      const scaled = manifests.at(-1) as Manifest
      expect(scaled.spec['triggers']).toHaveLength(2)
    },
  )

  test('the Dockerfile passes its linter', async () => {
    const { stdout } = await spawnHeddle(['fleet', 'dockerfile', 'dist/analyse.js'])
    const folder = mkdtempSync(join(tmpdir(), 'heddle-dockerfile-'))
    const file = join(folder, 'Dockerfile')
    writeFileSync(file, stdout)
    const hadolint = join(dirname(real?.python ?? ''), 'hadolint')
    expect(execFileSync(hadolint, [file], { encoding: 'utf8' })).toBe('')
    writeFileSync(file, stdout.replace('USER 1000', 'USER root'))
    expect(() => execFileSync(hadolint, [file], { stdio: 'pipe' })).toThrow(/./)
    rmSync(folder, { recursive: true })
  })
})
