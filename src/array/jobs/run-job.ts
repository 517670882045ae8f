/** Opens a job on the thread at hand: one table from the kind of job to the code that runs its tasks. */
import { openBlocks } from './blocks.ts'
import { openFactor } from './factor.ts'
import { openFold } from './fold.ts'
import type { BlockJob, FactorJob, FoldJob, MapJob, ProductJob, ReduceJob, Stop } from './job.ts'
import { openMap } from './map.ts'
import { openProduct } from './product.ts'
import { openReduce } from './reduce.ts'

export type Job = MapJob | ReduceJob | FoldJob | BlockJob | ProductJob | FactorJob

export interface OpenJob {
  /** Runs one task; gives up between blocks when asked to stop. */
  run(task: number, stop: Stop): void
  close(): void
}

export function openJob(job: Job): OpenJob {
  switch (job.kind) {
    case 'map':
      return openMap(job)
    case 'reduce':
      return openReduce(job)
    case 'fold':
      return openFold(job)
    case 'block':
      return openBlocks(job)
    case 'product':
      return openProduct(job)
    case 'factor':
      return openFactor(job)
  }
}
