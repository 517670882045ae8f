/**
 * What a GPU costs, as data with date and source. Rents are on-demand list prices of one provider per hour, so that their ratios are sound;
 * purchase is a share of an eight-GPU server with its network, as resellers quote it.
 */
export interface GpuPrice {
  /** US dollars per GPU and hour. */
  readonly rent: number
  /** US dollars per GPU, with its share of server and network; absent where none was found. */
  readonly buy?: number
  readonly date: string
  readonly source: string
}

const runpod = 'RunPod on-demand list price, secure cloud'

const table: Readonly<Record<string, GpuPrice>> = {
  'a100-40': { rent: 1.29, date: '2026-05', source: 'Lambda on-demand list price' },
  'a100-80': { rent: 1.49, buy: 15_000, date: '2026-05', source: runpod },
  'h100-pcie': { rent: 2.39, buy: 27_000, date: '2026-05', source: runpod },
  'h100-sxm': { rent: 2.69, buy: 33_000, date: '2026-05', source: runpod },
  h200: { rent: 3.59, buy: 40_000, date: '2026-05', source: runpod },
  b200: { rent: 5.98, buy: 56_000, date: '2026-05', source: runpod },
  b300: { rent: 6.94, date: '2026-05', source: runpod },
  gb200: { rent: 9.08, date: '2026-03-17', source: 'Spheron on-demand list price, per superchip' },
  l4: { rent: 0.39, buy: 4000, date: '2026-05', source: runpod },
  l40s: { rent: 0.86, buy: 11_000, date: '2026-05', source: runpod },
  'rtx-4090': { rent: 0.59, buy: 3500, date: '2026-05', source: runpod },
  'rtx-5090': { rent: 0.89, buy: 4500, date: '2026-05', source: runpod },
  'rtx-pro-6000': { rent: 1.79, buy: 12_000, date: '2026-05', source: runpod },
  mi300x: { rent: 2.49, buy: 25_000, date: '2026-05', source: runpod },
}

/** Nothing where no price is known: give one with `--price`. */
export function priceOf(gpu: string): GpuPrice | undefined {
  return Object.hasOwn(table, gpu) ? table[gpu] : undefined
}
