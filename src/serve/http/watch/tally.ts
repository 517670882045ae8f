/** What a server has done since it began: the counts behind `/metrics` and the page. Bounded: models, keys, endpoints and causes are known in advance. */
import type { Cause } from '../wire/api-error.ts'
import { Seconds } from './seconds.ts'

/** Upper bounds of the histogram of requests, in seconds: those of Prometheus' clients, and on to a minute, which a long answer of a model takes. */
export const requestBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const

/** What is known of a request when it is over. */
export interface Ended {
  /** Such as `/v1/embeddings`; `'(other)'` for what is no route. */
  readonly route: string
  /** A model of the server, or `''`. */
  readonly model: string
  /** The name of the key, or `''`. */
  readonly key: string
  readonly status: number
  readonly cause?: Cause | undefined
  readonly tookMs: number
  readonly tokensIn: number
  readonly tokensOut: number
}

export interface RouteCounts {
  readonly route: string
  readonly model: string
  /** By status. */
  readonly statuses: Map<number, number>
  /** One longer than {@link requestBounds}; not cumulative. */
  readonly buckets: number[]
  sumSeconds: number
}

/** What became of the requests of one key, or of one model. */
export interface TenantCounts {
  requests: number
  answered: number
  refused: number
  failed: number
  tokensIn: number
  tokensOut: number
}

export const noCounts = (): TenantCounts => ({ requests: 0, answered: 0, refused: 0, failed: 0, tokensIn: 0, tokensOut: 0 })

export class Tally {
  readonly seconds = new Seconds()
  readonly routes = new Map<string, RouteCounts>()
  readonly keys = new Map<string, TenantCounts>()
  readonly models = new Map<string, TenantCounts>()
  readonly causes = new Map<Cause, number>()
  underWay = 0
  requests = 0

  began(nowMs: number): void {
    this.requests++
    this.underWay++
    this.seconds.began(nowMs)
  }

  ended(end: Ended, nowMs: number): void {
    this.underWay--
    const outcome = end.status < 400 ? 'answered' : end.status === 500 ? 'failed' : 'refused'
    this.seconds.ended(outcome, end.tookMs, nowMs)
    if (end.cause !== undefined) this.causes.set(end.cause, (this.causes.get(end.cause) ?? 0) + 1)
    const route = this.#route(end)
    route.statuses.set(end.status, (route.statuses.get(end.status) ?? 0) + 1)
    const seconds = end.tookMs / 1_000
    const bucket = requestBounds.findIndex((bound) => seconds <= bound)
    ;(route.buckets[bucket < 0 ? requestBounds.length : bucket] as number)++
    route.sumSeconds += seconds
    for (const counts of [of(this.keys, end.key), ...(end.model === '' ? [] : [of(this.models, end.model)])]) {
      counts.requests++
      counts[outcome]++
      counts.tokensIn += end.tokensIn
      counts.tokensOut += end.tokensOut
    }
  }

  #route({ route, model }: Ended): RouteCounts {
    const name = `${route} ${model}`
    let found = this.routes.get(name)
    if (!found) {
      found = {
        route,
        model,
        statuses: new Map(),
        buckets: Array.from({ length: requestBounds.length + 1 }, () => 0),
        sumSeconds: 0,
      }
      this.routes.set(name, found)
    }
    return found
  }
}

function of(all: Map<string, TenantCounts>, name: string): TenantCounts {
  let counts = all.get(name)
  if (!counts) all.set(name, (counts = noCounts()))
  return counts
}
