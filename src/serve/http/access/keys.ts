/**
 * Who may ask, and how much. A key's secret is kept as its digest only, and looked up by it: neither memory nor the time that a look-up takes gives it away. Quotas are token buckets, as
 * model providers keep them: a request takes one of the requests and what it will probably cost of the tokens, and what it really cost is put right when it is over.
 *
 * Pure: the time comes in.
 */
import { createHash } from 'node:crypto'
import { describe, InvalidOption } from '../../../base/errors.ts'
import { checkOptions, rules } from '../../../base/options.ts'
import { TokenBucket } from '../../../limits/token-bucket.ts'
import { ApiError } from '../wire/api-error.ts'

/** A key of the API: who has it is one tenant, whose work shares the models with that of the other tenants. */
export interface KeyOptions {
  /** Stands in logs, metrics and the dashboard, and is the tenant of the queues. Unique. */
  readonly name: string
  /** The secret that clients send as `Authorization: Bearer …`; or its digest, as `'sha256:'` and 64 hexadecimal digits. At least 8 letters. */
  readonly key: string
  /** How many requests in a minute. More than 0. @default no bound */
  readonly requestsPerMinute?: number
  /** How many tokens in a minute, in and out together. More than 0. @default no bound */
  readonly tokensPerMinute?: number
  /** How many requests at once. Minimum 1. @default no bound */
  readonly concurrency?: number
  /** Higher ones are served first. @default 0 */
  readonly priority?: number
  /** Which models it may ask. @default all */
  readonly models?: readonly string[]
}

const keyRules = {
  name: rules.string,
  key: rules.string,
  requestsPerMinute: { expected: 'a number above 0', accepts: (v: unknown) => typeof v === 'number' && v > 0 },
  tokensPerMinute: { expected: 'a number above 0', accepts: (v: unknown) => typeof v === 'number' && v > 0 },
  concurrency: rules.whole(1),
  priority: rules.number(Number.NEGATIVE_INFINITY),
  models: {
    expected: 'a list of names of models',
    accepts: (v: unknown) => Array.isArray(v) && v.every((name) => typeof name === 'string'),
  },
}

const minuteMs = 60_000
const shortest = 8
const digestForm = /^sha256:([0-9a-f]{64})$/i

/** What a request of a key holds until it is over. */
export interface Admission {
  readonly tenant: Tenant
  /** What it really cost. To be called once; gives its place back. */
  settle(tokens: number, nowMs: number): void
}

export class Tenant {
  readonly name: string
  readonly options: KeyOptions | undefined
  readonly #requests: TokenBucket | undefined
  readonly #tokens: TokenBucket | undefined
  #underWay = 0

  constructor(options: KeyOptions | undefined, nowMs: number) {
    this.name = options?.name ?? ''
    this.options = options
    const bucket = (perMinute: number | undefined): TokenBucket | undefined =>
      perMinute === undefined
        ? undefined
        : new TokenBucket({ allowance: perMinute, perMs: minuteMs, burst: Math.max(1, perMinute) }, nowMs)
    this.#requests = bucket(options?.requestsPerMinute)
    this.#tokens = bucket(options?.tokensPerMinute)
  }

  get underWay(): number {
    return this.#underWay
  }

  get priority(): number {
    return this.options?.priority ?? 0
  }

  mayAsk(model: string): boolean {
    return this.options?.models?.includes(model) ?? true
  }

  /**
   * @param tokens that it will probably cost
   * @throws {ApiError} 429 with the time after which it would be let in
   */
  admit(tokens: number, nowMs: number): Admission {
    const { concurrency, requestsPerMinute, tokensPerMinute } = this.options ?? {}
    if (concurrency !== undefined && this.#underWay >= concurrency) {
      const message = `The key ${this.name} has ${concurrency} requests under way, which is its limit.`
      throw new ApiError(429, 'concurrency_quota', message, { code: 'rate_limit_exceeded', retryAfterMs: 1_000 })
    }
    const wait = this.#requests?.waitMs(1, nowMs) ?? 0
    if (wait > 0) {
      const message = `The key ${this.name} has used its ${requestsPerMinute} requests per minute.`
      throw new ApiError(429, 'requests_quota', message, { code: 'rate_limit_exceeded', retryAfterMs: wait })
    }
    const tokenWait = this.#tokens?.waitMs(tokens, nowMs) ?? 0
    if (tokenWait > 0) {
      const message = `The key ${this.name} has used its ${tokensPerMinute} tokens per minute.`
      throw new ApiError(429, 'tokens_quota', message, { code: 'rate_limit_exceeded', retryAfterMs: tokenWait })
    }
    this.#underWay++
    this.#requests?.take(1, nowMs)
    const receipt = this.#tokens?.take(tokens, nowMs) ?? 0
    let open = true
    return {
      tenant: this,
      settle: (actual, atMs) => {
        if (!open) return
        open = false
        this.#underWay--
        this.#tokens?.correct(receipt, tokens, actual, atMs)
      },
    }
  }

  /** How things stand, in the headers of OpenAI: clients such as heddle's own `pool` keep to them. */
  headers(nowMs: number): Record<string, string> {
    return { ...meter('requests', this.#requests, nowMs), ...meter('tokens', this.#tokens, nowMs) }
  }
}

function meter(name: string, bucket: TokenBucket | undefined, nowMs: number): Record<string, string> {
  if (!bucket) return {}
  const left = Math.max(0, Math.floor(bucket.tokens(nowMs)))
  const missing = bucket.allowance - bucket.tokens(nowMs)
  return {
    [`x-ratelimit-limit-${name}`]: String(bucket.allowance),
    [`x-ratelimit-remaining-${name}`]: String(left),
    [`x-ratelimit-reset-${name}`]: `${((Math.max(0, missing) * bucket.perMs) / bucket.allowance / 1_000).toFixed(3)}s`,
  }
}

/** All keys; without any, everybody is the same nameless tenant. */
export class Keys {
  readonly tenants: readonly Tenant[]
  readonly #byDigest = new Map<string, Tenant>()
  readonly #open: Tenant | undefined

  /**
   * @param options undefined: no key is needed
   * @throws {InvalidOption}
   */
  constructor(options: readonly KeyOptions[] | undefined, models: readonly string[], nowMs: number) {
    if (options === undefined) {
      this.#open = new Tenant(undefined, nowMs)
      this.tenants = [this.#open]
      return
    }
    if (!Array.isArray(options) || options.length === 0) {
      throw new InvalidOption(`Expected \`keys\` to be a list with at least one key, got ${describe(options)}`, {
        hint: 'Leave `keys` out, and no key is needed.',
      })
    }
    const names = new Set<string>()
    this.tenants = options.map((each, i) => {
      const tenant = new Tenant(checkKey(each, i, models), nowMs)
      if (names.has(tenant.name))
        throw new InvalidOption(`Expected the names of \`keys\` to differ, got ${describe(tenant.name)} twice`)
      names.add(tenant.name)
      const digest = digestForm.exec(each.key)?.[1]?.toLowerCase() ?? digestOf(each.key)
      if (this.#byDigest.has(digest))
        throw new InvalidOption(`Expected \`keys\` to differ, got that of ${describe(tenant.name)} twice`)
      this.#byDigest.set(digest, tenant)
      return tenant
    })
  }

  /** Whether a key is needed. */
  get needed(): boolean {
    return this.#open === undefined
  }

  /** @throws {ApiError} 401 */
  tenantOf(headers: Readonly<Record<string, string | string[] | undefined>>): Tenant {
    if (this.#open) return this.#open
    const { authorization, 'x-api-key': plain } = headers
    const bearer = typeof authorization === 'string' ? /^bearer +(\S+) *$/i.exec(authorization)?.[1] : undefined
    const key = bearer ?? (typeof plain === 'string' ? plain : undefined)
    if (key === undefined) {
      throw new ApiError(401, 'invalid_api_key', 'No API key. Send one as the header Authorization: Bearer KEY.')
    }
    const tenant = this.#byDigest.get(digestOf(key))
    // What was sent is not repeated: it may be the key of another server.
    if (!tenant) throw new ApiError(401, 'invalid_api_key', 'The API key is not one of this server.')
    return tenant
  }
}

function checkKey(options: KeyOptions, place: number, models: readonly string[]): KeyOptions {
  for (const name of ['name', 'key'] as const)
    if (options[name] === undefined || options[name] === '') {
      throw new InvalidOption(
        `Expected \`keys[${place}].${name}\` to be text that is not empty, got ${describe(options[name])}`,
        {
          hint: name === 'key' ? 'Is the environment variable set that it comes from?' : undefined,
        },
      )
    }
  checkOptions<KeyOptions>(options, keyRules, `keys[${place}]`)
  if (options.key.length < shortest || /\s/.test(options.key)) {
    throw new InvalidOption(`Expected \`keys[${place}].key\` to have at least ${shortest} letters and no spaces`)
  }
  const unknown = options.models?.find((name) => !models.includes(name))
  if (unknown !== undefined) {
    throw new InvalidOption(`Expected \`keys[${place}].models\` to be names of models, got ${describe(unknown)}`, {
      hint: `There are ${models.join(', ')}.`,
    })
  }
  return options
}

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}
