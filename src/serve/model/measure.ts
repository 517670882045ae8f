/**
 * How a model runs best on this machine: replicas, threads for each, and how much is computed at once, measured on the model itself with typical inputs.
 *
 * On a CPU two replicas of one thread are often quicker than one of two threads, and a batch of long texts slower than the texts one by one, while short
 * ones gain from company: what a batch saves is a fixed cost per run, and what it costs is proportional to its tokens. So where a model counts its
 * items, the bound that is looked for is one of tokens. On other hardware it is the other way round. Nobody knows without measuring.
 *
 * The fastest way is not the best one where batches are long: others wait behind them. In a queue, a way that is twice as long per batch pays only if it is much
 * faster; but up to the time that the longest item takes alone, which others have to wait for anyway, longer batches cost nothing. So `choose` weighs both.
 *
 * Every way computes the same mix of lengths, cut into batches as in service, in an order in which each stretch of it is a fair sample. Ways that look good are
 * measured twice, at different moments, because a machine is rarely quiet.
 */
import type { Clock } from '../../base/clock.ts'
import type { BatchLimits } from '../queue/chunks.ts'
import type { ReplicaHandle } from '../replica/handle.ts'
import type { Measured } from '../stats.ts'
import { Mix, BatchingSpeed } from './batching-speed.ts'

export interface Layout {
  readonly replicas: number
  readonly threads: number
}

export interface Measurement {
  readonly layouts: readonly Layout[]
  /** `'auto'`: to be found. */
  readonly batchItems: number | 'auto'
  /** No batch is larger than that. */
  readonly batchTokens: number
  /** Items count for something else than 1. */
  readonly counted: boolean
  readonly samples: readonly unknown[]
  readonly clock: Clock
  readonly budgetMs: number
  /** Gives as many open replicas. */
  readonly open: (layout: Layout) => Promise<readonly ReplicaHandle[]>
}

/** The largest batch that is tried of items that are not counted. */
const largestBatch = 32
/** About so many ways are tried of each layout; it only shares out the time. */
const waysExpected = 6
/** Every way is tried at least this often by each replica. */
const leastBatches = 2
/** A larger batch that is slower than this share of the best is the last one that is tried. */
const worthTrying = 0.9
/** Within this share of the best, the way with the quickest answers is taken. Chosen: about what repeated measurements differ by. */
const asGood = 0.95
/** Of the times of single items, what counts as that of the longest one; the very last may be a pause of the machine. */
const longestShare = 0.95

/** The layouts that use the cores that there are, many replicas first. */
export function layoutsFor(cores: number, size: number | 'auto', threads: number | 'auto', slots: number): readonly Layout[] {
  if (size !== 'auto' && threads !== 'auto') return [{ replicas: size, threads }]
  if (size !== 'auto') return [{ replicas: size, threads: Math.max(1, Math.floor(cores / size)) }]
  if (threads !== 'auto') return [{ replicas: Math.max(1, Math.floor(cores / threads)), threads }]
  // An engine that batches by itself shares one set of weights among its calls.
  if (slots > 1) return [{ replicas: 1, threads: cores }]
  const layouts: Layout[] = []
  for (let each = 1; each <= cores; each *= 2) layouts.push({ replicas: Math.max(1, Math.floor(cores / each)), threads: each })
  return layouts
}

/** @returns what was tried, the chosen way among it */
export async function measure(measurement: Measurement): Promise<readonly Measured[]> {
  const { layouts, batchItems, budgetMs, clock } = measurement
  const mix = new Mix(measurement.samples, measurement.counted)
  const ways = batchItems === 'auto' ? waysExpected : 1
  const eachMs = budgetMs / (layouts.length * ways) / 2
  const rows: Measured[] = []
  const until = clock.now() + budgetMs
  let opening = 0
  /** How long the longest item takes alone. */
  let longestMs = 0
  const leftMs = (): number => until + opening - clock.now()
  for (const layout of layouts) {
    if (leftMs() <= 0) break
    const before = clock.now()
    const handles = await measurement.open(layout)
    opening += clock.now() - before
    const tried: BatchingSpeed[] = []
    let best = 0
    for (let next: BatchLimits | undefined = firstOf(measurement); next; next = larger(next, mix, measurement)) {
      const way = new BatchingSpeed(next, mix)
      tried.push(way)
      await run(way, handles, measurement, eachMs)
      // One twice as large takes up to twice as long: a slow model is not measured for minutes.
      if (way.itemsPerSecond < worthTrying * best || leastBatches * 2 * way.batchMs > leftMs()) break
      best = Math.max(best, way.itemsPerSecond)
    }
    for (const way of tried) {
      if (way.itemsPerSecond >= worthTrying * best && leftMs() > eachMs) await run(way, handles, measurement, eachMs)
    }
    for (const { limits, itemsPerSecond, batchMs } of tried)
      rows.push({ ...layout, batch: limits.items, tokens: limits.tokens, itemsPerSecond, batchMs, chosen: false })
    longestMs = Math.max(longestMs, tried[0]?.quantileMs(longestShare) ?? 0)
  }
  const chosen = choose(rows, batchItems === 'auto' ? longestMs : Number.POSITIVE_INFINITY)
  return rows.map((row) => (row === chosen ? { ...row, chosen: true } : row))
}

/**
 * The way with the most items per second, where time per batch beyond `longestMs` counts as well: one that takes twice as long has to be faster by the square root of two.
 *
 * @param longestMs how long the longest item takes alone
 */
export function choose(rows: readonly Measured[], longestMs: number): Measured | undefined {
  const worth = ({ itemsPerSecond, batchMs }: Measured): number => itemsPerSecond / Math.sqrt(Math.max(1, batchMs / longestMs))
  const best = Math.max(...rows.map(worth))
  const good = rows.filter((row) => worth(row) >= asGood * best)
  return good.toSorted((a, b) => a.batchMs - b.batchMs)[0]
}

function firstOf({ batchItems, batchTokens }: Measurement): BatchLimits {
  return { items: batchItems === 'auto' ? 1 : batchItems, tokens: batchTokens }
}

/** The next larger batch that is worth a trial; undefined where there is none. */
function larger(last: BatchLimits, mix: Mix, { batchItems, batchTokens, counted }: Measurement): BatchLimits | undefined {
  if (batchItems !== 'auto') return undefined
  if (!counted) {
    const items = Math.min(2 * last.items, largestBatch, batchTokens)
    return items > last.items ? { items, tokens: batchTokens } : undefined
  }
  // Two of the middle length, rounded to a power of two.
  const tokens = last.items === 1 ? 2 ** Math.round(Math.log2(2 * mix.middle)) : 2 * last.tokens
  if (tokens > batchTokens || (last.items > 1 && last.tokens >= mix.padded)) return undefined
  return { items: Math.max(2, Math.floor(tokens / mix.shortest)), tokens }
}

/** All replicas at once, because they share memory and caches. */
async function run(
  way: BatchingSpeed,
  handles: readonly ReplicaHandle[],
  { clock, batchTokens }: Measurement,
  ms: number,
): Promise<void> {
  const from = clock.now()
  const lane = async (handle: ReplicaHandle): Promise<void> => {
    for (let i = 0; i < leastBatches || clock.now() - from < ms; i++) {
      const batch = way.next()
      const began = clock.now()
      const { tokens } = await handle.run(batch.items, { items: way.limits.items, tokens: batchTokens }).done
      way.took(batch, tokens, clock.now() - began, handles.length)
    }
  }
  await Promise.all(handles.map(lane))
}
