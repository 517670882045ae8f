/**
 * Batches are text already, and Redis keeps it as it is. BullMQ would write it as a JSON string once more, and parse whatever anybody has put there before heddle
 * can look at it.
 */
import type { Job, JobJson } from 'bullmq'

type JobClass = typeof Job
type JobQueue = Parameters<JobClass['fromJSON']>[0]

/** What stands for the text while BullMQ writes and reads the rest of a job. */
const nothing = '{}'

export function textJob(base: JobClass): JobClass {
  class TextJob extends base {
    override asJSON(): JobJson {
      const { data } = this as { data: unknown }
      if (typeof data !== 'string') return super.asJSON()
      Object.assign(this, { data: {} })
      const json = super.asJSON()
      Object.assign(this, { data })
      return { ...json, data }
    }

    static override fromJSON<T, R, N extends string>(queue: JobQueue, json: JobJson, id?: string): Job<T, R, N> {
      const job = super.fromJSON<T, R, N>(queue, { ...json, data: nothing }, id)
      return Object.assign(job, { data: json.data as T })
    }
  }
  return TextJob as unknown as JobClass
}
