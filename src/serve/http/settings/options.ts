/** The options of a server, checked once. */
import { type Duration, durationMs } from '../../../base/duration.ts'
import { describe, InvalidOption } from '../../../base/errors.ts'
import { checkOptions, rules } from '../../../base/options.ts'
import { isServed, type Served } from '../../served.ts'
import type { KeyOptions } from '../access/keys.ts'
import { type FunctionModel, functionModel } from './function-model.ts'

/** Bounds of a server: what is beyond them is refused, and nothing grows without end. */
export interface ServeLimits {
  /** Bytes of one body; more is refused with 413. Minimum 1. @default 4 MiB */
  readonly bodyBytes?: number
  /** Bytes of the bodies of all requests under way; more is refused with 503. Minimum 1. @default 256 MiB */
  readonly bodiesBytes?: number
  /** Bytes of answers that clients have not read; beyond, the client that has read nothing for longest is let go. Minimum 1. @default 256 MiB */
  readonly unreadBytes?: number
  /** How long a client may take to send the head of a request. @default '10s' */
  readonly headTimeout?: Duration
  /** How long a client may take to send a whole request. @default '60s' */
  readonly bodyTimeout?: Duration
  /** How long a client may read nothing of an answer that waits for it. @default '30s' */
  readonly readTimeout?: Duration
  /** How long a connection is kept without a request: longer than a proxy in front keeps it, or that sends into a closed one. @default '75s' */
  readonly idleTimeout?: Duration
  /** How long a request may take, from its body to the end of its answer. @default no bound but the client's own */
  readonly deadline?: Duration
  /** Connections at once; more are closed. Minimum 1. @default 16_384 */
  readonly connections?: number
  /** Texts in one request to `/v1/embeddings` or `/v1/classify`. Minimum 1. @default 2_048 */
  readonly inputs?: number
}

/** What {@link serve} is given. */
export interface ServeOptions {
  /** The models by the name that clients ask for: of `replicas()`, a plain function, or a function with its kind. */
  readonly models: Readonly<
    Record<string, Served<never, unknown, unknown> | FunctionModel | ((input: never, context: never) => unknown)>
  >
  /** Who may ask, and how much. @default everybody who can reach the address */
  readonly keys?: readonly KeyOptions[]
  /** Bounds of bodies, times and connections. */
  readonly limits?: ServeLimits
  /** Names that the `Host` header may have, beside those of the loopback address. @default those alone, where it listens there; else any */
  readonly hosts?: readonly string[]
  /** Origins of web pages that may ask, such as `'https://app.example'`; `'*'` is any. @default none */
  readonly origins?: readonly string[]
  /** Who may read `/metrics`. @default 'key' with keys, else 'open' */
  readonly metrics?: 'open' | 'key'
  /** Embedding models whose vectors may be cut to `dimensions`: those that were trained so (Matryoshka). @default none */
  readonly matryoshka?: readonly string[]
}

export interface Limits {
  readonly bodyBytes: number
  readonly bodiesBytes: number
  readonly unreadBytes: number
  readonly headMs: number
  readonly bodyMs: number
  readonly readMs: number
  readonly idleMs: number
  readonly deadlineMs: number
  readonly connections: number
  readonly inputs: number
}

/** Options as the server uses them. */
export interface Settings {
  readonly models: ReadonlyMap<string, Served>
  readonly keys: readonly KeyOptions[] | undefined
  readonly limits: Limits
  readonly hosts: readonly string[] | undefined
  readonly origins: readonly string[]
  readonly metrics: 'open' | 'key'
  readonly matryoshka: ReadonlySet<string>
}

const texts = {
  expected: 'a list of texts',
  accepts: (v: unknown) => Array.isArray(v) && v.every((one) => typeof one === 'string'),
}

const limitRules = {
  bodyBytes: rules.whole(1),
  bodiesBytes: rules.whole(1),
  unreadBytes: rules.whole(1),
  headTimeout: rules.duration,
  bodyTimeout: rules.duration,
  readTimeout: rules.duration,
  idleTimeout: rules.duration,
  deadline: rules.duration,
  connections: rules.whole(1),
  inputs: rules.whole(1),
}

/** What stands in a path, a header and a label as it is; a slash is usual in names of models. */
const modelName = /^[\w.:@-][\w.:@/-]{0,127}$/

/** @throws {InvalidOption} */
export function settingsOf(options: ServeOptions): Settings {
  checkOptions<ServeOptions>(
    options,
    {
      models: rules.object,
      keys: { expected: 'a list of keys', accepts: Array.isArray },
      limits: rules.object,
      hosts: texts,
      origins: texts,
      metrics: rules.oneOf('open', 'key'),
      matryoshka: texts,
    },
    'serve',
  )
  const { models, keys, limits = {}, hosts, origins = [], metrics, matryoshka = [] } = options
  const known = modelsOf(models)
  for (const name of matryoshka)
    if (known.get(name)?.kind !== 'embeddings') {
      throw new InvalidOption(`Expected \`matryoshka\` to be names of embedding models, got ${describe(name)}`)
    }
  return {
    models: known,
    keys,
    limits: limitsOf(limits),
    hosts,
    origins,
    metrics: metrics ?? (keys ? 'key' : 'open'),
    matryoshka: new Set(matryoshka),
  }
}

function modelsOf(models: ServeOptions['models'] | undefined): Map<string, Served> {
  const entries = Object.entries(models ?? {})
  if (entries.length === 0) {
    throw new InvalidOption(`Expected \`models\` of serve to be at least one model by its name, got ${describe(models)}`, {
      hint: 'For example serve({ models: { shout: (text: string) => text.toUpperCase() } }).',
    })
  }
  const known = new Map<string, Served>()
  for (const [name, model] of entries) {
    if (!modelName.test(name)) {
      throw new InvalidOption(
        `Expected the names of \`models\` to be letters, digits and any of _ . : @ / -, got ${describe(name)}`,
      )
    }
    known.set(name, isServed(model) ? (model as Served) : functionModel(name, model as FunctionModel))
  }
  return known
}

function limitsOf(limits: ServeLimits): Limits {
  checkOptions<ServeLimits>(limits, limitRules, 'limits')
  const ms = (name: keyof ServeLimits, given: Duration | undefined, otherwise: Duration): number =>
    durationMs(given ?? otherwise, name)
  const mebibyte = 2 ** 20
  return {
    bodyBytes: limits.bodyBytes ?? 4 * mebibyte,
    bodiesBytes: limits.bodiesBytes ?? 256 * mebibyte,
    unreadBytes: limits.unreadBytes ?? 256 * mebibyte,
    headMs: ms('headTimeout', limits.headTimeout, '10s'),
    bodyMs: ms('bodyTimeout', limits.bodyTimeout, '60s'),
    readMs: ms('readTimeout', limits.readTimeout, '30s'),
    idleMs: ms('idleTimeout', limits.idleTimeout, '75s'),
    deadlineMs: ms('deadline', limits.deadline, Number.POSITIVE_INFINITY),
    connections: limits.connections ?? 16_384,
    inputs: limits.inputs ?? 2_048,
  }
}
