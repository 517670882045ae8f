/** What a plan for serving is asked, and what it answers. */
import type { Efficiencies, Engine } from '../cost/efficiencies.ts'
import type { Numbers, ReplicaLayout } from '../cost/forward.ts'
import type { Term, Terms } from '../cost/terms.ts'
import type { Gpu } from '../hardware/gpus.ts'
import type { Architecture } from '../model/architecture.ts'

/** A request for a plan, with every default filled in. */
export interface ServeRequest {
  readonly model: Architecture
  readonly gpu: Gpu
  readonly nodes: number
  readonly perNode: number
  readonly engine: Engine
  readonly numbers: Numbers
  readonly efficiencies: Efficiencies
  /** Tokens, means. */
  readonly input: number
  readonly output: number
  /** Requests a second that arrive, all replicas together. */
  readonly rate?: number
  /** Requests under way, all replicas together; without it and without a rate, several are tried. */
  readonly concurrency?: number
  /** Limits in seconds. */
  readonly firstToken?: number
  readonly perToken?: number
  /** US dollars per GPU and hour. */
  readonly price: number
  /** Only layouts with these values. */
  readonly only?: Partial<ReplicaLayout & { readonly replicas: number }>
}

/** A layout with its prediction. */
export interface ServeCandidate {
  readonly layout: ReplicaLayout
  readonly replicas: number
  /** In use, all replicas together. */
  readonly gpus: number
  /** Requests under way in one replica, and those of them that have a place in the KV cache. */
  readonly concurrency: number
  readonly resident: number
  /** Seconds per output token, and by cause. */
  readonly tokenSeconds: number
  readonly perToken: Terms
  /** Seconds of one prompt with nobody else there, and by cause. */
  readonly promptSeconds: number
  readonly prompt: Terms
  /** Seconds to the first token; nothing near saturation, where it depends on every detail of the arrivals. */
  readonly firstTokenSeconds: number | undefined
  /** Why there is none. */
  readonly firstTokenRefused?: string
  /** Output tokens a second, all replicas together. */
  readonly tokensPerSecond: number
  /** Share of the most that these replicas could serve. */
  readonly load: number
  /** US dollars per million output tokens. */
  readonly dollarsPerMillion: number
  /** What decides the time per token, and of a prompt. */
  readonly decides: { readonly decode: Term; readonly prefill: Term }
  readonly memory: { readonly weights: number; readonly cache: number; readonly total: number }
}

export type Reason = 'divisibility' | 'memory' | 'latency' | 'capacity'

/** A layout that was left out, and why. */
export interface Rejected {
  readonly layout: ReplicaLayout
  readonly reason: Reason
  readonly why: string
}

/** What one number of GPUs gives. */
export interface ScalingRow {
  readonly gpus: number
  readonly layout: ReplicaLayout
  readonly tokenSeconds: number
  readonly tokensPerSecond: number
  /** Time per token of half as many GPUs over this one's; absent in the first row. */
  readonly gain?: number
  /** Below 1.25: twice the GPUs are not worth it. */
  readonly worthIt?: boolean
  /** The term that shrank least against what twice the GPUs promise. */
  readonly blame?: Term
}

/** Layouts for serving, the best first. */
export interface ServePlan {
  readonly best: ServeCandidate | undefined
  /** Cheapest for their time per token, fastest first. */
  readonly pareto: readonly ServeCandidate[]
  readonly candidates: readonly ServeCandidate[]
  readonly rejected: readonly Rejected[]
  readonly scaling: readonly ScalingRow[]
}
