/**
 * How a model runs best on this machine: replicas, threads for each, and batch size, measured on the model itself with typical inputs. On a CPU
 * two replicas of one thread are often quicker than one of two threads, and batches slower than single items; on other hardware it is the other
 * way round. Nobody knows without measuring.
 */
import type { Clock } from '../../base/clock.ts'
import type { ReplicaHandle } from '../replica/handle.ts'
import type { Measured } from '../stats.ts'

export interface Layout {
  readonly replicas: number
  readonly threads: number
}

export interface Plan extends Layout {
  readonly batch: number
}

export interface Measurement {
  readonly layouts: readonly Layout[]
  /** Largest batch that is tried. */
  readonly batches: readonly number[]
  /** Shortest first, so that batches are of similar lengths, as in service. */
  readonly samples: readonly unknown[]
  readonly tokens: number
  readonly clock: Clock
  readonly budgetMs: number
  /** Gives as many open replicas. */
  readonly open: (layout: Layout) => Promise<readonly ReplicaHandle[]>
}

/** Every way is tried at least this often by each replica. */
const leastBatches = 2
/** A larger batch that is slower than this share of the best is the last one that is tried. */
const worthTrying = 0.9
/** Within this share of the best, the way with the quickest answers is taken. Chosen: about what repeated measurements differ by. */
const asGood = 0.95

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

/** 1, 2, 4, … and the most. */
export function batchesUpTo(most: number): readonly number[] {
  const sizes: number[] = []
  for (let size = 1; size < most; size *= 2) sizes.push(size)
  return [...sizes, most]
}

/** @returns what was tried, the chosen way among it */
export async function measure(measurement: Measurement): Promise<readonly Measured[]> {
  const { layouts, batches, budgetMs } = measurement
  const eachMs = budgetMs / (layouts.length * batches.length)
  const rows: Measured[] = []
  let leftMs = budgetMs
  for (const layout of layouts) {
    if (leftMs <= 0) break
    const handles = await measurement.open(layout)
    let best = 0
    for (const batch of batches) {
      const from = measurement.clock.now()
      const { itemsPerSecond, batchMs } = await rate(measurement, handles, batch, eachMs)
      leftMs -= measurement.clock.now() - from
      rows.push({ ...layout, batch, itemsPerSecond, batchMs, chosen: false })
      // One twice as large takes up to twice as long: a slow model is not measured for minutes.
      if (itemsPerSecond < worthTrying * best || leastBatches * 2 * batchMs > leftMs) break
      best = Math.max(best, itemsPerSecond)
    }
  }
  const chosen = choose(rows)
  return rows.map((row) => (row === chosen ? { ...row, chosen: true } : row))
}

export function choose(rows: readonly Measured[]): Measured | undefined {
  const best = Math.max(...rows.map(({ itemsPerSecond }) => itemsPerSecond))
  const good = rows.filter(({ itemsPerSecond }) => itemsPerSecond >= asGood * best)
  return good.toSorted((a, b) => a.batchMs - b.batchMs)[0]
}

/** All replicas at once, because they share memory and caches. */
async function rate(
  { samples, clock, tokens }: Measurement,
  handles: readonly ReplicaHandle[],
  batch: number,
  ms: number,
): Promise<{ readonly itemsPerSecond: number; readonly batchMs: number }> {
  const times: number[] = []
  const from = clock.now()
  let items = 0
  const lane = async (handle: ReplicaHandle, first: number): Promise<void> => {
    for (let i = 0; i < leastBatches || clock.now() - from < ms; i++) {
      const start = ((first + i) * batch) % samples.length
      const some = Array.from({ length: batch }, (_item, at) => samples[(start + at) % samples.length])
      const begin = clock.now()
      await handle.run(some, { items: batch, tokens }).done
      times.push(clock.now() - begin)
      items += batch
    }
  }
  await Promise.all(handles.map((handle, i) => lane(handle, i * Math.ceil(samples.length / batch / handles.length))))
  times.sort((a, b) => a - b)
  return { itemsPerSecond: (items / (clock.now() - from)) * 1_000, batchMs: times[times.length >> 1] ?? 0 }
}
