import type { TrainingSetting } from '../cost/training-setting.ts'
import { trainingStep } from '../cost/training.ts'
import { type PipelineOrder, pipelineTimeline, type Timeline } from './pipeline.ts'

/** The timeline of a predicted training step, its stages as plain 1F1B or GPipe: where its time goes, and who waits for whom. */
export function stepTimeline(setting: TrainingSetting, order: PipelineOrder = '1f1b'): Timeline {
  const { terms, forwardSeconds, backwardSeconds, microbatches } = trainingStep(setting)
  return pipelineTimeline(order, {
    stages: setting.layout.pipeline,
    microbatches,
    forward: forwardSeconds,
    backward: backwardSeconds,
    update: terms.weights,
  })
}
