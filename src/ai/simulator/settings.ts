/** Settings of a simulated provider, and their defaults. */
import { type Duration, durationMs } from '../../base/duration.ts'
import { checkOptions, type OptionRules, rules } from '../../base/options.ts'
import type { ModelRequest } from './request.ts'

/** The limits that a simulator enforces. */
export interface SimulatedLimits {
  /** Requests per minute. @default no limit */
  readonly requestsPerMinute?: number
  /** Tokens per minute, input and output together (OpenAI): a request is charged `max(max_tokens, estimate)` on arrival. */
  readonly tokensPerMinute?: number
  /** Input tokens per minute (Anthropic). */
  readonly inputTokensPerMinute?: number
  /** Output tokens per minute (Anthropic): `max_tokens` is charged on arrival, and what was not used is given back. */
  readonly outputTokensPerMinute?: number
  /** How much refill an idle account saves up. Some providers enforce 60 per minute as 1 per second: `'1s'`. @default '1m' */
  readonly burst?: Duration
}

/** One part of a mix of latencies: with the given weight, lognormal around the median. */
export interface LatencyPart {
  readonly weight: number
  readonly median: Duration
  /** Deviation of the logarithm; 0 is a constant. */
  readonly sigma: number
}

/** One model of a simulator. */
export interface SimulatedModel {
  readonly limits?: SimulatedLimits
  /** Time to first token. @default 98 % around 0.5 s (σ 0.3), 2 % around 6 s (σ 0.8) */
  readonly firstToken?: Duration | readonly LatencyPart[]
  /** Output speed of one stream. @default 80 */
  readonly tokensPerSecond?: number
  /** Length of the answers in tokens, lognormal; the answer is padded or cut to it. @default as long as the answer is */
  readonly outputTokens?: { readonly median: number; readonly sigma: number }
  /** After `idle` without a request the next ones wait until the model is loaded again. @default never */
  readonly coldStart?: { readonly idle: Duration; readonly warmUp: Duration }
  /** Above `concurrency` requests at once all get slower in proportion; above `reject` they are refused as overload. @default none */
  readonly knee?: { readonly concurrency: number; readonly reject?: number }
  /** Shares from 0 to 1 of the requests that go wrong. @default all 0 */
  readonly faults?: {
    /** 503 (OpenAI) or 529 (Anthropic). */
    readonly overloaded?: number
    /** 500. */
    readonly serverError?: number
    /** The answer stops in the middle. */
    readonly broken?: number
    /** Accepted, and never answered. */
    readonly hang?: number
  }
  /** A quota that is used up for good after this many calls or tokens: from then on calls are refused for good. @default none */
  readonly quota?: { readonly calls?: number; readonly tokens?: number }
  /** What the rate limit headers say: the truth, nothing, `-1`, or nonsense. @default 'honest' */
  readonly headers?: 'honest' | 'none' | 'unknown' | 'lying'
  /** A request whose text contains this is refused with 400. @default none */
  readonly refuse?: string
  /** Share of right answers to questions that have one (sums). @default 1 */
  readonly accuracy?: number
  /** What the model says; `undefined` falls back to the built-in answers. */
  readonly answer?: (request: ModelRequest, draw: () => number) => string | undefined
  /** Length of embeddings. @default 64 */
  readonly dimensions?: number
}

/** Options of {@link simulate}. */
export interface SimulatorOptions extends SimulatedModel {
  /** Equal seeds give equal answers, latencies and faults for equal requests. @default 1 */
  readonly seed?: number
  /** @default 0: a free one */
  readonly port?: number
  /** The provider lives that many times as fast: buckets refill, models answer. @default 1 */
  readonly timeScale?: number
  /** Header durations in the caller's time, that is divided by `timeScale`. `false` for callers whose own clock is sped up too. @default true */
  readonly scaleHeaders?: boolean
  /** Requests must carry this key. @default any is accepted */
  readonly apiKey?: string
  /**
   * Batches, at the addresses of OpenAI, Anthropic and Gemini. `duration`: how long one takes @default '10m'; `window`: when it expires @default '24h'; `failures`: share
   * of the requests that fail for a reason that passes @default 0; `expire`: how many batches, the first ones, stop in the middle and expire @default 0;
   * `maxRequests`: requests of one batch @default as the provider's. Times are simulated.
   */
  readonly batches?: {
    readonly duration?: Duration
    readonly window?: Duration
    readonly failures?: number
    readonly expire?: number
    readonly maxRequests?: number
  }
  /** Models by id, each with what differs from the settings above. @default every id is served */
  readonly models?: Readonly<Record<string, SimulatedModel>>
}

const modelRules: OptionRules<SimulatedModel> = {
  limits: rules.object,
  firstToken: rules.either(rules.duration, rules.object),
  tokensPerSecond: rules.number(1),
  outputTokens: rules.object,
  coldStart: rules.object,
  knee: rules.object,
  faults: rules.object,
  quota: rules.object,
  headers: rules.oneOf('honest', 'none', 'unknown', 'lying'),
  refuse: rules.string,
  accuracy: rules.number(0, 1),
  answer: rules.function,
  dimensions: rules.whole(1),
}

const simulatorRules: OptionRules<SimulatorOptions> = {
  ...modelRules,
  seed: rules.whole(0),
  port: rules.whole(0),
  timeScale: rules.number(0.001),
  scaleHeaders: rules.boolean,
  apiKey: rules.string,
  batches: rules.object,
  models: rules.object,
}

const share = rules.number(0, 1)
const batchRules = {
  duration: rules.duration,
  window: rules.duration,
  failures: share,
  expire: rules.whole(0),
  maxRequests: rules.whole(1),
}
const perMinute = rules.number(1)

/** @throws {InvalidOption} */
export function checkSimulator(options: SimulatorOptions): void {
  checkOptions<SimulatorOptions>(options, simulatorRules, 'simulate')
  checkParts(options, 'simulate')
  checkOptions(options.batches ?? {}, batchRules, '`batches` of simulate')
  for (const [id, model] of Object.entries(options.models ?? {})) {
    const where = `the model \`${id}\` of simulate`
    checkOptions<SimulatedModel>(model, modelRules, where)
    checkParts(model, where)
  }
}

function checkParts(model: SimulatedModel, where: string): void {
  const tokens = { tokensPerMinute: perMinute, inputTokensPerMinute: perMinute, outputTokensPerMinute: perMinute }
  checkOptions(model.limits ?? {}, { requestsPerMinute: perMinute, ...tokens, burst: rules.duration }, `\`limits\` of ${where}`)
  checkOptions(
    model.faults ?? {},
    { overloaded: share, serverError: share, broken: share, hang: share },
    `\`faults\` of ${where}`,
  )
  checkOptions(model.knee ?? {}, { concurrency: rules.whole(1), reject: rules.whole(1) }, `\`knee\` of ${where}`)
  checkOptions(model.coldStart ?? {}, { idle: rules.duration, warmUp: rules.duration }, `\`coldStart\` of ${where}`)
  checkOptions(model.quota ?? {}, { calls: rules.whole(0), tokens: rules.whole(0) }, `\`quota\` of ${where}`)
  checkOptions(model.outputTokens ?? {}, { median: rules.number(1), sigma: rules.number(0) }, `\`outputTokens\` of ${where}`)
}

/** A fair mix for a hosted model, chosen to match what providers' status pages and public traces show. */
const ordinaryFirstToken: readonly LatencyPart[] = [
  { weight: 0.98, median: 500, sigma: 0.3 },
  { weight: 0.02, median: 6_000, sigma: 0.8 },
]

/** The settings of one model with every default filled in; durations in milliseconds of simulated time. */
export interface ModelSettings {
  readonly limits: SimulatedLimits
  readonly burstMs: number
  readonly firstToken: readonly { readonly weight: number; readonly medianMs: number; readonly sigma: number }[]
  readonly tokensPerSecond: number
  readonly outputTokens: SimulatedModel['outputTokens']
  readonly coldStart: { readonly idleMs: number; readonly warmUpMs: number } | undefined
  readonly knee: { readonly concurrency: number; readonly reject: number }
  readonly faults: Required<NonNullable<SimulatedModel['faults']>>
  readonly quota: { readonly calls: number; readonly tokens: number }
  readonly headers: NonNullable<SimulatedModel['headers']>
  readonly refuse: string | undefined
  readonly accuracy: number
  readonly answer: SimulatedModel['answer']
  readonly dimensions: number
}

export function modelSettings(common: SimulatedModel, own: SimulatedModel = {}): ModelSettings {
  const m: SimulatedModel = { ...common, ...own }
  const mix = m.firstToken ?? ordinaryFirstToken
  const parts = Array.isArray(mix) ? (mix as readonly LatencyPart[]) : [{ weight: 1, median: mix as Duration, sigma: 0 }]
  return {
    limits: m.limits ?? {},
    burstMs: durationMs(m.limits?.burst ?? '1m', 'burst'),
    firstToken: parts.map((part) => ({ weight: part.weight, medianMs: durationMs(part.median, 'median'), sigma: part.sigma })),
    tokensPerSecond: m.tokensPerSecond ?? 80,
    outputTokens: m.outputTokens,
    coldStart: m.coldStart && {
      idleMs: durationMs(m.coldStart.idle, 'idle'),
      warmUpMs: durationMs(m.coldStart.warmUp, 'warmUp'),
    },
    knee: { concurrency: Number.POSITIVE_INFINITY, reject: Number.POSITIVE_INFINITY, ...m.knee },
    faults: { overloaded: 0, serverError: 0, broken: 0, hang: 0, ...m.faults },
    quota: { calls: Number.POSITIVE_INFINITY, tokens: Number.POSITIVE_INFINITY, ...m.quota },
    headers: m.headers ?? 'honest',
    refuse: m.refuse,
    accuracy: m.accuracy ?? 1,
    answer: m.answer,
    dimensions: m.dimensions ?? 64,
  }
}

/** How batches go; durations in milliseconds of simulated time. */
export interface BatchSettings {
  readonly durationMs: number
  readonly windowMs: number
  readonly failures: number
  readonly expire: number
  readonly maxRequests: number
}

export function batchSettings({ batches = {} }: SimulatorOptions): BatchSettings {
  const { duration = '10m', window = '24h', failures = 0, expire = 0, maxRequests = Number.POSITIVE_INFINITY } = batches
  return {
    durationMs: durationMs(duration, 'duration'),
    windowMs: durationMs(window, 'window'),
    failures,
    expire,
    maxRequests,
  }
}
