/** How a training step is laid out over GPUs, and what training reaches of the data sheet. */
import type { Gpu } from '../hardware/gpus.ts'
import type { Architecture, Precision } from '../model/architecture.ts'

/** How training is cut over GPUs. */
export interface TrainingLayout {
  readonly data: number
  readonly tensor: number
  readonly pipeline: number
  /** Ways in which experts are dealt out over the data-parallel copies. */
  readonly expert: number
  /** Chunks of layers per stage (virtual stages); 1: plain 1F1B. */
  readonly interleave: number
  /** Stage of ZeRO: 1 shards the optimizer's state, 2 gradients too, 3 weights too (as FSDP does). */
  readonly zero: 0 | 1 | 2 | 3
  /** Sequences per microbatch. */
  readonly microbatch: number
  readonly recompute: 'none' | 'selective' | 'full'
  readonly sequenceParallel: boolean
  /** Attention that writes its scores to memory, as before FlashAttention. */
  readonly eagerAttention?: boolean
  /** Collectives wait for computing, and computing for them, as before 2023. */
  readonly noOverlap?: boolean
}

/** What training reaches of the data sheet. Shares from 0 to 1, and times. */
export interface TrainingEfficiencies {
  /** Of the operations that the best matrix products reach, in matrix products. */
  readonly compute: number
  /** The same in attention. */
  readonly attention: number
  /** Of the memory's bandwidth, between matrix products. */
  readonly memory: number
  /** Of the link's bandwidth, inside a node and across nodes. */
  readonly link: number
  readonly network: number
  /** Of the exchange of gradients and weights, how much hides behind computing. */
  readonly hidden: number
}

/**
 * Fitted to 28 published steps: Megatron-LM on A100 (arXiv 2104.04473 tables 1 and 2, 2205.05198 table 5), Megatron-Core on H100 (its README), and
 * one of MPT on A100-40 (llm-foundry). `attention` is FlashAttention 2's published range.
 */
export const trainingEfficiencies: TrainingEfficiencies = {
  compute: 0.84,
  attention: 0.4,
  memory: 0.95,
  link: 0.6,
  network: 0.68,
  hidden: 0.75,
}

/** A model in training, cut into a layout: what a prediction is of. */
export interface TrainingSetting {
  readonly model: Architecture
  readonly gpu: Gpu
  readonly layout: TrainingLayout
  /** Type of matrix products; weights stay 16 bit. */
  readonly precision: Precision
  readonly sequence: number
  /** Sequences per step, all GPUs together. */
  readonly batch: number
  /** GPUs per node. */
  readonly perNode: number
  readonly efficiencies: TrainingEfficiencies
}
