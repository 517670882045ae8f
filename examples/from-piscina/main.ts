/** The program after: no pool to make, bound or destroy. `map` keeps the threads busy, and fails or settles as a whole. */
import { map } from 'heddle'
import { report, type Report } from './report.ts'
import { shrink } from './worker.ts'

export default async function main(count: string): Promise<Report> {
  const seeds = Array.from({ length: Number(count) }, (_, i) => i)
  const { results } = await map(seeds, (seed) => shrink(seed, 8), { concurrency: 4, onFailure: 'settle' })
  return report(results)
}
