/** What a plan for training is asked, and what it answers. */
import type { Term } from '../cost/terms.ts'
import type { TrainingEfficiencies, TrainingLayout } from '../cost/training-setting.ts'
import type { TrainingMemory } from '../cost/training-memory.ts'
import type { TrainingStep } from '../cost/training.ts'
import type { Gpu } from '../hardware/gpus.ts'
import type { Architecture, Precision } from '../model/architecture.ts'
import type { Reason } from './serve-request.ts'

/** A request for a plan, with every default filled in. */
export interface TrainRequest {
  readonly model: Architecture
  readonly gpu: Gpu
  readonly nodes: number
  readonly perNode: number
  readonly precision: Precision
  /** Tokens of a sequence, and sequences of a step. */
  readonly sequence: number
  readonly batch: number
  /** Tokens of the whole run, for its length and cost. */
  readonly tokens?: number
  readonly efficiencies: TrainingEfficiencies
  /** US dollars per GPU and hour. */
  readonly price: number
  readonly only?: Partial<TrainingLayout>
}

/** A layout with its prediction. */
export interface TrainCandidate {
  readonly layout: TrainingLayout
  readonly gpus: number
  readonly step: TrainingStep
  readonly memory: TrainingMemory
  readonly tokensPerSecond: number
  /** US dollars per million tokens. */
  readonly dollarsPerMillion: number
  readonly decides: Term
}

/** A layout that was left out, and why. */
export interface TrainRejected {
  readonly layout: TrainingLayout
  readonly reason: Reason
  readonly why: string
}

/** What one number of GPUs gives. */
export interface TrainScalingRow {
  readonly gpus: number
  readonly layout: TrainingLayout
  readonly stepSeconds: number
  readonly gain?: number
  readonly worthIt?: boolean
  readonly blame?: Term
}

/** Layouts for training, the best first. */
export interface TrainPlan {
  readonly best: TrainCandidate | undefined
  /** Cheapest for their time per step, fastest first. */
  readonly pareto: readonly TrainCandidate[]
  readonly candidates: readonly TrainCandidate[]
  readonly rejected: readonly TrainRejected[]
  readonly scaling: readonly TrainScalingRow[]
}
