/** The pictures of docs/models-parallel.md, drawn by the planner itself. `npm run docs` writes them. */
import { expect, test } from 'vitest'
import { gpuOf, planServing, preset, trainingEfficiencies } from '../src/plan/index.ts'
import { stackedSvg, timelineSvg } from '../src/plan/layouts/report/svg.ts'
import { stepTimeline } from '../src/plan/layouts/timeline/step-timeline.ts'
import { layoutName } from '../src/plan/layouts/search/divide.ts'

test('stacked time per token of 1 to 8 GPUs', async () => {
  const bars = [1, 2, 4, 8].flatMap((tensor) => {
    const { best } = planServing({
      model: 'llama-3.1-70b',
      gpu: 'h200',
      input: 1000,
      output: 1000,
      weights: 'fp8',
      concurrency: 32,
      only: { tensor, pipeline: 1, replicas: 1 },
    })
    return best === undefined ? [] : [{ label: `${layoutName(best.layout)}`, terms: best.perToken }]
  })
  await expect(stackedSvg(bars, 'Llama 3.1 70B in 8 bits on H200, 32 requests at once: time per token')).toMatchFileSnapshot(
    '../docs/models-parallel-tensor.svg',
  )
})

const setting = {
  model: preset('gpt3-175b'),
  gpu: gpuOf('a100-80'),
  layout: {
    data: 1,
    tensor: 8,
    pipeline: 4,
    expert: 1,
    interleave: 1,
    zero: 1,
    microbatch: 1,
    recompute: 'full',
    sequenceParallel: true,
  },
  precision: 'bf16',
  sequence: 2048,
  batch: 8,
  perNode: 8,
  efficiencies: trainingEfficiencies,
} as const

test.each(['1f1b', 'gpipe'] as const)('the timeline of %s', async (order) => {
  await expect(timelineSvg(stepTimeline(setting, order))).toMatchFileSnapshot(`../docs/models-parallel-${order}.svg`)
})
