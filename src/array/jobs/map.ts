/** Runs the tasks of a {@link MapJob}. */
import { Writer } from './reader.ts'
import { ExpressionRunner, forBlocks, type MapJob, type Stop } from './job.ts'

export function openMap(job: MapJob): { run(task: number, stop: Stop): void; close(): void } {
  const runner = new ExpressionRunner(job.expression)
  const writers = job.targets.map((target) => new Writer(target))
  return {
    run(task, stop) {
      const from = task * job.chunkLength
      forBlocks(from, Math.min(from + job.chunkLength, job.length), stop, (first, count) => {
        runner.run(first, count)
        writers.forEach((writer, i) => writer.write(first, count, runner.instance.output(i)))
      })
    },
    close() {
      runner.close()
      for (const writer of writers) writer.close()
    },
  }
}
