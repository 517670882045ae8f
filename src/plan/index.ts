/**
 * Plans: what decides the end, what a change does to it; and which layout of GPUs serves or trains a model best.
 *
 * @module heddle/plan
 */

// Plans of people.
export { assess, type Assessment, type AssessOptions, type Remedy, type Risk, type TaskRisk } from './assess.ts'
export { type Samples, samplesOfJson, samplesOfTrace } from './learn/durations.ts'
export { learn } from './learn/learn.ts'
export { plan, type Planned, type PlanOptions, type PlanReport, type ResourceOutlook, type TaskOutlook } from './plan.ts'
export { planFormats, type PlanFormat } from './formats/names.ts'
export { readPlan, type ReadOptions } from './formats/read.ts'
export { type Digest, digests } from './report/digest.ts'
export { exportPlan } from './report/export.ts'
export { planExports, type PlanExport } from './report/names.ts'
export { planText } from './report/text.ts'
export { InvalidPlan } from './model/invalid-plan.ts'
export type { Demand, Estimate, Link, LinkType, Project, Resource, Task } from './model/project.ts'

// Models on GPUs.
export type { Architecture, Precision } from './layouts/model/architecture.ts'
export { fromHuggingFace, modelTypes } from './layouts/model/hugging-face.ts'
export { preset, presetNames } from './layouts/model/presets.ts'
export { type Gpu, gpuNames, gpuOf } from './layouts/hardware/gpus.ts'
export { type Efficiencies, efficienciesOf, type Engine, engines } from './layouts/cost/efficiencies.ts'
export { type Numbers, type ReplicaLayout, type Setting } from './layouts/cost/forward.ts'
export { type Load, type Steady, steadyState } from './layouts/cost/serving.ts'
export { type Term, termLabels, type Terms } from './layouts/cost/terms.ts'
export { trainingStep, type TrainingStep } from './layouts/cost/training.ts'
export {
  type TrainingEfficiencies,
  trainingEfficiencies,
  type TrainingLayout,
  type TrainingSetting,
} from './layouts/cost/training-setting.ts'
export { trainingMemory, type TrainingMemory } from './layouts/cost/training-memory.ts'
export { planServing, type ServingOptions, type ServingPlan } from './layouts/plan-serving.ts'
export { planTraining, type TrainingOptions, type TrainingPlan } from './layouts/plan-training.ts'
export { type ModelSource } from './layouts/model/source.ts'
export { type GpuPrice, priceOf } from './layouts/hardware/prices.ts'
export type { Rejected, ScalingRow, ServeCandidate, ServePlan, ServeRequest } from './layouts/search/serve-request.ts'
export type { TrainCandidate, TrainPlan, TrainRejected, TrainRequest, TrainScalingRow } from './layouts/search/train-request.ts'
export { calibrateServing, compareServing, type ServingComparison } from './layouts/measured.ts'
export type { Calibration } from './layouts/calibrate/calibrate.ts'
export { ownership, type Ownership, type OwnershipOptions } from './layouts/hardware/ownership.ts'
