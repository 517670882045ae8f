/** The stretches of time between two samples, in which only means are known. */
import type { Related } from './relate.ts'

export interface Windows {
  /** Where they begin and end: one more than there are windows. */
  readonly edges: Float64Array
  /** By window: share of the time in which the event loop of this thread was busy. */
  readonly busy: Float64Array
  /** By window: how many cores the process used. */
  readonly cores: Float64Array
  /** What each row of the table `processors` took, per time, by window. */
  readonly rates: ReadonlyMap<number, Rates>
  /** The longest time for which the event loop was held. */
  readonly heldMs: number
}

/** Per time that passed. */
export interface Rates {
  readonly cpu: Float64Array
  readonly wait: Float64Array
  readonly busy: Float64Array
  /** How many there were. */
  readonly alive: Float64Array
}

export function windowsOf({ trace: { samples, processors }, from, to }: Related): Windows {
  const edges = [from]
  const [busy, cores]: [number[], number[]] = [[], []]
  /** Which window a sample stands at the end of, and the time that it speaks of. */
  const windowOf = new Map<number, { readonly window: number; readonly ms: number }>()
  let [before, heldMs] = [0, 0]
  for (let i = 0; i < samples.count; i++) {
    const sampledAt = samples.at[i] as number
    const at = Math.min(to, sampledAt)
    if (sampledAt > from) heldMs = Math.max(heldMs, samples.delayMs[i] as number)
    if (at > (edges.at(-1) as number)) {
      windowOf.set(sampledAt, { window: edges.length - 1, ms: sampledAt - before })
      edges.push(at)
      busy.push(samples.busy[i] as number)
      cores.push(samples.cores[i] as number)
    }
    before = sampledAt
  }
  const known = busy.length
  if ((edges.at(-1) as number) < to || edges.length === 1) {
    // The last state goes on, as far as is known.
    edges.push(to)
    busy.push(busy.at(-1) ?? 0)
    cores.push(cores.at(-1) ?? 0)
  }
  const rates = new Map<number, Rates>()
  for (let i = 0; i < processors.count; i++) {
    const found = windowOf.get(processors.at[i] as number)
    if (!found || found.ms <= 0) continue
    const row = processors.row[i] as number
    let rate = rates.get(row)
    if (!rate) rates.set(row, (rate = noRates(busy.length)))
    rate.cpu[found.window] = (processors.cpuMs[i] as number) / found.ms
    rate.wait[found.window] = (processors.waitMs[i] as number) / found.ms
    rate.busy[found.window] = (processors.busyMs[i] as number) / found.ms
    rate.alive[found.window] = processors.alive[i] as number
  }
  if (known > 0 && known < busy.length)
    for (const { cpu, wait, busy: loop, alive } of rates.values())
      for (const rate of [cpu, wait, loop, alive]) rate[known] = rate[known - 1] as number
  return { edges: Float64Array.from(edges), busy: Float64Array.from(busy), cores: Float64Array.from(cores), rates, heldMs }
}

function noRates(windows: number): Rates {
  const none = (): Float64Array => new Float64Array(windows)
  return { cpu: none(), wait: none(), busy: none(), alive: none() }
}

/** Sums densities over stretches of time into windows, in constant time per stretch beyond finding the windows of its ends. */
export class Spread {
  readonly #edges: Float64Array
  /** Change of the density of whole windows, and what is added to single ones. */
  readonly #change: Float64Array
  readonly #partial: Float64Array

  constructor(edges: Float64Array) {
    this.#edges = edges
    this.#change = new Float64Array(edges.length + 1)
    this.#partial = new Float64Array(edges.length)
  }

  add(from: number, to: number, density: number): void {
    const first = this.#window(from)
    const last = this.#window(to)
    if (first === last) {
      ;(this.#partial[first] as number) += density * (to - from)
      return
    }
    ;(this.#partial[first] as number) += density * ((this.#edges[first + 1] as number) - from)
    ;(this.#partial[last] as number) += density * (to - (this.#edges[last] as number))
    ;(this.#change[first + 1] as number) += density
    ;(this.#change[last] as number) -= density
  }

  /** Mean density by window. */
  means(): Float64Array {
    const means = new Float64Array(this.#edges.length - 1)
    let whole = 0
    for (let w = 0; w < means.length; w++) {
      whole += this.#change[w] as number
      const ms = (this.#edges[w + 1] as number) - (this.#edges[w] as number)
      means[w] = ms > 0 ? Math.max(0, whole + (this.#partial[w] as number) / ms) : 0
    }
    return means
  }

  #window(at: number): number {
    let [low, high] = [0, this.#edges.length - 2]
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#edges[middle] as number) <= at) low = middle
      else high = middle - 1
    }
    return low
  }
}
