/** Runs the tasks of a {@link FoldJob}: (segment of rounds, block of elements) pairs. */
import { typedArray } from '../expression/dtype.ts'
import { type Slot, writeParameter } from '../kernel/compile.ts'
import { blockLength } from '../kernel/ir.ts'
import { ExpressionRunner, type FoldJob, type Stop } from './job.ts'

export function openFold(job: FoldJob): { run(task: number, stop: Stop): void; close(): void } {
  const runner = new ExpressionRunner(job.expression)
  const blocks = Math.ceil(job.length / blockLength)
  return {
    run(task, stop) {
      foldBlock(job, runner, Math.floor(task / blocks), (task % blocks) * blockLength, stop)
    },
    close: () => runner.close(),
  }
}

function foldBlock(job: FoldJob, runner: ExpressionRunner, segment: number, first: number, stop: Stop): void {
  const { instance } = runner
  const inputs = job.expression.inputs.length
  const count = Math.min(blockLength, job.length - first)
  job.carried.forEach(({ start }, i) => instance.input(inputs + i).fill(start as never))
  const { from, to } = roundsOf(job, segment)
  for (let round = from; round < to && !stop(); round++) {
    for (const { index, what } of job.roundParameters) {
      writeParameter(instance.view, instance.kernel.parameters[index] as Slot, what === 'round' ? round : round - from + 1)
    }
    runner.load(round * job.length + first, count)
    // Rounds of four: the kernel may run over the rest of the last one, whose state nobody reads.
    instance.run(Math.ceil(count / 4) * 4, round * job.length + first)
  }
  job.carried.forEach(({ dtype }, i) => {
    const at = (segment * job.carried.length + i) * job.length + first
    typedArray(dtype, job.states, at, count).set(instance.input(inputs + i).subarray(0, count) as never)
  })
}

export function roundsOf(
  { rounds, segments }: Pick<FoldJob, 'rounds' | 'segments'>,
  segment: number,
): { readonly from: number; readonly to: number } {
  const length = Math.ceil(rounds / segments)
  return { from: Math.min(rounds, segment * length), to: Math.min(rounds, (segment + 1) * length) }
}
