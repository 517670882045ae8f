import { describe, expect, test } from 'vitest'
import { planTraining, type TrainingOptions } from '../plan-training.ts'

const a100: TrainingOptions = { model: 'gpt3-175b', gpu: 'a100-80', nodes: 8, batch: 64, sequence: 2048 }

describe('planTraining', () => {
  test('finds for GPT-3 175B on 64 A100 a layout at least as fast as the published one', () => {
    const { best } = planTraining(a100)
    expect(best?.layout.tensor).toBeGreaterThan(1)
    expect(best?.step.seconds).toBeLessThan(13.75)
    expect(best?.memory.total).toBeLessThan(best === undefined ? 0 : 85.9e9)
  })

  test('divides the batch among copies and microbatches, without a rest', () => {
    for (const { layout } of planTraining({ ...a100, batch: 48 }).candidates) {
      expect(48 % (layout.data * layout.microbatch)).toBe(0)
      expect(layout.data * layout.tensor * layout.pipeline).toBeLessThanOrEqual(64)
    }
  })

  test('says what more GPUs bring, and what holds them back', () => {
    const { scaling } = planTraining({ model: 'llama-3.1-8b', gpu: 'h100-sxm', nodes: 16, batch: 64, sequence: 4096 })
    expect(scaling.at(-1)).toMatchObject({ gpus: 128, worthIt: expect.any(Boolean), blame: expect.any(String) })
  })

  test('starts Megatron-LM with the layout', () => {
    const { launch } = planTraining({
      ...a100,
      only: { tensor: 8, pipeline: 8, interleave: 3, recompute: 'full', sequenceParallel: true },
    })
    expect(launch).toContain(
      '--tensor-model-parallel-size 8 --pipeline-model-parallel-size 8 --num-layers-per-virtual-pipeline-stage 4',
    )
    expect(launch).toContain('--sequence-parallel --use-distributed-optimizer')
    expect(launch).toContain('--recompute-granularity full')
  })

  test('of a model that fits nowhere names the nearest that works', () => {
    const { best, nearest } = planTraining({ ...a100, nodes: 1, batch: 8 })
    expect(best).toBeUndefined()
    expect(nearest[0]).toMatch(/^--nodes \d+ with --batch \d+: DP/)
  })
})
