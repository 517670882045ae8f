/**
 * What Kubernetes needs to run workers: pure, from what the command line says. The autoscaler follows two lengths of each queue, of which it takes the larger: what
 * waits brings machines, also from none, and what runs keeps them.
 */
import { schemaOf } from '../../../fleet/engine/postgres.ts'
import { prefix } from '../../../fleet/naming/names.ts'

export interface Deployed {
  readonly name: string
  readonly namespace: string
  readonly image: string
  /** Paths of worker modules inside the image. */
  readonly files: readonly string[]
  readonly space: string
  readonly fleet: string
  readonly tenant: string
  readonly queues: readonly string[]
  readonly store: 'redis' | 'postgres'
  readonly tls: boolean
  readonly storePort: number
  readonly slots: number
  readonly min: number
  readonly max: number
}

type Manifest = Readonly<Record<string, unknown>>

export const healthPort = 8_080
const user = 1_000
/** Below `terminationGracePeriodSeconds`, with time for what is on its way to the store. */
const [graceSeconds, terminationSeconds] = [25, 45]

export function manifestsOf(of: Deployed): Manifest[] {
  return [deployment(of), disruption(of), network(of), authentication(of), scaled(of)]
}

const labelsOf = ({ name }: Deployed): Record<string, string> => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/component': 'heddle-worker',
})

const metadata = (of: Deployed): Record<string, unknown> => ({ name: of.name, namespace: of.namespace, labels: labelsOf(of) })

function deployment(of: Deployed): Manifest {
  const probe = (path: string, periodSeconds: number, failureThreshold: number): object => ({
    httpGet: { path, port: 'health' },
    periodSeconds,
    failureThreshold,
    timeoutSeconds: 5,
  })
  const words = ['--name', of.fleet, '--tenant', of.tenant, '--concurrency', String(of.slots), '--grace', `${graceSeconds}s`]
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(of),
    spec: {
      // How many there are is the autoscaler's to say.
      selector: { matchLabels: labelsOf(of) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
      template: {
        metadata: {
          labels: labelsOf(of),
          annotations: {
            'prometheus.io/scrape': 'true',
            'prometheus.io/port': String(healthPort),
            'prometheus.io/path': '/metrics',
          },
        },
        spec: {
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: terminationSeconds,
          securityContext: { runAsNonRoot: true, runAsUser: user, runAsGroup: user, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: 'worker',
              image: of.image,
              // Signals reach node itself: no shell and no npm in between.
              command: ['node', 'node_modules/heddle/dist/cli.js', 'worker'],
              args: [...words, '--health', String(healthPort), ...of.files],
              env: [{ name: 'FLEET_URL', valueFrom: { secretKeyRef: { name: of.name, key: 'url' } } }],
              ports: [{ name: 'health', containerPort: healthPort }],
              readinessProbe: probe('/ready', 5, 2),
              livenessProbe: probe('/live', 30, 3),
              resources: { requests: { cpu: String(of.slots), memory: '512Mi' }, limits: { memory: '2Gi' } },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
            },
          ],
          volumes: [{ name: 'tmp', emptyDir: {} }],
        },
      },
    },
  }
}

function disruption(of: Deployed): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata(of),
    spec: { maxUnavailable: '25%', selector: { matchLabels: labelsOf(of) } },
  }
}

function network(of: Deployed): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata(of),
    spec: {
      podSelector: { matchLabels: labelsOf(of) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: [{ protocol: 'TCP', port: healthPort }] }],
      egress: [
        {
          ports: [
            { protocol: 'UDP', port: 53 },
            { protocol: 'TCP', port: 53 },
          ],
        },
        { ports: [{ protocol: 'TCP', port: of.storePort }] },
      ],
    },
  }
}

function authentication(of: Deployed): Manifest {
  const keys = of.store === 'redis' ? ['address', 'username', 'password'] : ['connection']
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'TriggerAuthentication',
    metadata: metadata(of),
    spec: { secretTargetRef: keys.map((key) => ({ parameter: key, name: of.name, key })) },
  }
}

function scaled(of: Deployed): Manifest {
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: metadata(of),
    spec: {
      scaleTargetRef: { name: of.name },
      minReplicaCount: of.min,
      maxReplicaCount: of.max,
      pollingInterval: 5,
      cooldownPeriod: 120,
      advanced: {
        horizontalPodAutoscalerConfig: {
          // It picks machines that are busy, too: they drain, but each time costs their queue a little.
          behavior: {
            scaleDown: { stabilizationWindowSeconds: 120, policies: [{ type: 'Percent', value: 25, periodSeconds: 60 }] },
          },
        },
      },
      triggers: of.queues.flatMap((queue) => (of.store === 'redis' ? redisTriggers(of, queue) : postgresTriggers(of, queue))),
    },
  }
}

const lengths = ({ slots }: Deployed): [string, number][] => [
  ['wait', 2 * slots],
  ['active', slots],
]

function redisTriggers(of: Deployed, queue: string): object[] {
  return lengths(of).map(([list, length]) => ({
    type: 'redis',
    metadata: {
      listName: `${prefix}:${queue}:${list}`,
      listLength: String(length),
      ...(of.tls && { enableTLS: 'true' }),
    },
    authenticationRef: { name: of.name },
  }))
}

function postgresTriggers(of: Deployed, queue: string): object[] {
  return lengths(of).map(([state, length]) => ({
    type: 'postgresql',
    metadata: {
      query: `SELECT count(*) FROM "${schemaOf(of.space)}".job WHERE queue = '${queue}' AND state = '${state === 'wait' ? 'waiting' : state}'`,
      targetQueryValue: String(length),
    },
    authenticationRef: { name: of.name },
  }))
}
