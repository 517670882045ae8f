/** What a GPU costs, as data with date and source; docs/models-cost.md has more of them. */
export interface GpuPrice {
  /** US dollars per GPU and hour. */
  readonly rent: number
  /** US dollars per GPU, with its share of server and network; absent where none was found. */
  readonly buy?: number
  readonly date: string
  readonly source: string
}

const runpod = 'RunPod secure cloud, on demand, as quoted by deploybase.ai and spheron.network'
const mercatus = 'middle of specialised clouds, mercatus-ai.com'
const estimate = 'estimate: no list price was read'
/** Of the GPU alone; a server around it adds about a third. */
const street = (dollars: number): number => Math.round(dollars * 1.35)

const table: Readonly<Record<string, GpuPrice>> = {
  'a100-40': { rent: 1.1, date: '2026-11', source: estimate },
  'a100-80': { rent: 1.3, date: '2026-05', source: mercatus },
  'h100-pcie': { rent: 2.79, date: '2026-05-22', source: runpod },
  'h100-sxm': { rent: 2.69, buy: street(30_000), date: '2026-05-22', source: runpod },
  h200: { rent: 3.59, buy: street(35_000), date: '2026-05', source: runpod },
  b200: { rent: 5.98, buy: street(40_000), date: '2026-05', source: runpod },
  b300: { rent: 6.9, date: '2026-11', source: estimate },
  gb200: { rent: 9.08, date: '2026-03-17', source: 'Spheron on demand, per superchip' },
  l4: { rent: 0.4, date: '2026-11', source: estimate },
  l40s: { rent: 0.9, date: '2026-11', source: estimate },
  'rtx-4090': { rent: 0.6, date: '2026-11', source: estimate },
  'rtx-5090': { rent: 0.9, date: '2026-11', source: estimate },
  'rtx-pro-6000': { rent: 1.8, date: '2026-11', source: estimate },
  mi300x: { rent: 2.5, date: '2026-11', source: estimate },
}

/** A list price of a `gpu` by its name; undefined where none is known. Never throws. */
export function priceOf(gpu: string): GpuPrice | undefined {
  return Object.hasOwn(table, gpu) ? table[gpu] : undefined
}
