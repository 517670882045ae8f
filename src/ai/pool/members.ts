/** From models and options to what calls are dispatched to. */
import { durationMs } from '../../base/duration.ts'
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { Budget } from './budget.ts'
import { Dispatcher } from './dispatch.ts'
import { type FallbackClass, limitRules, type PoolMember, type PoolOptions } from './pool-options.ts'
import { abilities, checkPrices, priceOf } from '../prices/prices.ts'
import type { ModelLimits } from './charges.ts'
import { Replica } from './replica.ts'
import { overWire } from './wire.ts'

const memberRules = {
  model: rules.any,
  limits: rules.object,
  concurrency: rules.whole(1, ['auto']),
  contextWindow: rules.whole(1),
  maxOutput: rules.whole(1),
  abilities: {
    expected: `a list of ${[...abilities].join(', ')}`,
    accepts: (value: unknown) => Array.isArray(value) && value.every((one) => abilities.has(one as string)),
  },
  name: rules.string,
  coolDown: rules.duration,
}

const fallbackClasses: readonly FallbackClass[] = [
  'key',
  'model',
  'quota',
  'window',
  'policy',
  'rejected',
  'quality',
  'rate-limit',
  'overload',
  'timeout',
  'server',
  'network',
  'broken',
]

/** A model or several, each with or without settings of its own. */
export function membersOf<M>(models: M | PoolMember<M> | readonly (M | PoolMember<M>)[]): readonly PoolMember<M>[] {
  const list = (Array.isArray(models) ? models : [models]) as readonly (M | PoolMember<M>)[]
  if (list.length === 0) throw new InvalidOption('Expected pool to get at least one model, got none')
  return list.map((entry) => {
    if (typeof entry !== 'object' || entry === null || !('model' in entry) || 'modelId' in entry) return { model: entry as M }
    checkOptions(entry, memberRules, 'a model of pool')
    return entry
  })
}

/** @throws {InvalidOption} */
export function dispatcherOf<
  M extends { readonly provider: string; readonly modelId: string; readonly specificationVersion: string },
>(members: readonly PoolMember<M>[], options: PoolOptions): Dispatcher<M> {
  const versions = new Set(members.map(({ model }) => model.specificationVersion))
  if (versions.size > 1)
    throw new InvalidOption(
      `Expected the models of a pool to be of one specification version, got ${[...versions].join(' and ')}`,
    )
  checkPrices(options.prices)
  const random = Math.random
  const queueTimeoutMs = durationMs(options.queueTimeout ?? '1h', 'queueTimeout')
  const { within = {}, fallback = {} } = options
  checkOptions(within, { latency: rules.duration, usd: rules.number(0) }, '`within` of pool')
  const replicas = members.map((member) => {
    const { model, limits = options.limits ?? {}, concurrency = options.concurrency ?? 'auto' } = member
    checkLimits(limits)
    const price = priceOf(model.modelId, options.prices)
    const coolDown = member.coolDown ?? options.coolDown
    const can = member.abilities ?? price?.abilities
    return new Replica(overWire(model), member.name ?? `${model.provider}/${model.modelId}`, {
      modelId: model.modelId,
      limits,
      concurrency,
      breaker: options.breaker ?? (members.length > 1 ? {} : undefined),
      price,
      contextWindow: member.contextWindow ?? price?.contextWindow,
      can: { abilities: can && new Set(can), maxOutput: member.maxOutput ?? price?.maxOutput },
      coolDownMs: coolDown === undefined ? undefined : durationMs(coolDown, 'coolDown'),
      hasOthers: members.length > 1,
      queueTimeoutMs,
      share: options.share,
      random,
    })
  })
  for (const { price, name } of replicas) if (!price) checkPriced(name, options.budget)
  checkFallback(fallback, replicas)
  const preference = {
    prefer: options.prefer ?? 'least-busy',
    within: { latencyMs: within.latency === undefined ? undefined : durationMs(within.latency, 'latency'), usd: within.usd },
    passesPaused: (fallback['rate-limit'] ?? false) !== false,
  }
  return new Dispatcher(replicas, {
    name: options.name ?? 'the pool',
    preference,
    fallback,
    retries: options.retry ?? 4,
    timeoutMs: durationMs(options.timeout ?? '5m', 'timeout'),
    queueTimeoutMs,
    hedge: options.hedge,
    random,
  })
}

/** @throws {InvalidOption} for a class or a name that there is not: a fallback that is never taken helps nobody */
function checkFallback(
  fallback: NonNullable<PoolOptions['fallback']>,
  replicas: readonly { readonly name: string; readonly modelId: string }[],
): void {
  const target = rules.either(rules.boolean, { expected: 'a list of names of models', accepts: (value) => Array.isArray(value) })
  checkOptions(fallback, Object.fromEntries(fallbackClasses.map((name) => [name, target])), '`fallback` of pool')
  for (const [because, targets] of Object.entries(fallback))
    for (const target of Array.isArray(targets) ? (targets as readonly unknown[]) : [])
      if (!replicas.some(({ name, modelId }) => target === name || target === modelId))
        throw new InvalidOption(
          `Expected \`${because}\` in \`fallback\` of pool to name models of the pool, got ${describe(target)}`,
          { hint: `They are ${replicas.map(({ name }) => name).join(', ')}.` },
        )
}

function checkLimits(limits: ModelLimits): void {
  checkOptions<ModelLimits>(limits, limitRules, '`limits` of pool')
  if (limits.tokensPerMinute !== undefined && (limits.inputTokensPerMinute ?? limits.outputTokensPerMinute) !== undefined) {
    throw new InvalidOption('Expected `limits` to have `tokensPerMinute`, or limits of input and output tokens, got both')
  }
}

/** @throws {InvalidOption} when dollars are bounded and a model has no price */
export function checkPriced(name: string, budget: Budget | undefined): void {
  if (!budget?.countsUsd) return
  throw new InvalidOption(`Expected a price for ${name}, because the budget is in US dollars`, {
    hint: `Refresh the table with "heddle prices update", or pass prices: { '${name.slice(name.indexOf('/') + 1)}': { input: …, output: … } } in US dollars per million tokens.`,
  })
}
