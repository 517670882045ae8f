/** The program before: a pool of piscina, a worker file, and a signal by hand. */
import { Piscina } from 'piscina'
import { report, type Report } from './report.ts'

export default async function main(count: string): Promise<Report> {
  const pool = new Piscina<{ seed: number; factor: number }, Float64Array>({
    filename: new URL('./piscina-worker.mjs', import.meta.url).href,
    maxThreads: 2,
    maxQueue: Number(count),
  })
  try {
    const seeds = Array.from({ length: Number(count) }, (_, i) => i)
    return report(await Promise.allSettled(seeds.map((seed) => pool.run({ seed, factor: 8 }))))
  } finally {
    await pool.destroy()
  }
}
