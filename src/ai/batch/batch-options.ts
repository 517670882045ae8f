/** Options of batches. */
import type { Duration } from '../../base/duration.ts'
import { type OptionRules, rules } from '../../base/options.ts'
import { type Checkpoint, checkpointRule } from '../../checkpoint/index.ts'

/** Options of `batch`. */
export interface BatchOptions {
  /** How long an answer may take. @default '24h' */
  readonly within?: Duration
  /**
   * A journal of what was sent and answered: after a crash the same program finds its batches again, and nothing is paid for twice. The path of a file, the same with
   * options, or a part of an open journal. @default none
   */
  readonly checkpoint?: Checkpoint
  /** What becomes of calls that no batch has answered when the time is nearly over: they are made one by one, at the full price, or fail. @default 'one-by-one' */
  readonly late?: 'one-by-one' | 'fail'
  /** So long before the end of `within` that begins. @default a tenth of `within`, an hour at most */
  readonly margin?: Duration
  /** Calls gather until none has come for so long, or a batch is full. @default '1s' */
  readonly collect?: Duration
  /** How often a batch is looked at, at most. @default '1m' */
  readonly poll?: Duration
  /** How often a call that failed for a reason that passes goes into another batch. @default 2 */
  readonly retry?: number
  /** Calls of one batch, or texts that it embeds; smaller ones give answers earlier. @default the provider's limit */
  readonly maxCalls?: number
  /**
   * What is done with a batch of a program that died between sending and recording it, where the provider cannot say whether it has it: the calls fail with
   * `BatchInDoubt`, or are sent again. @default 'fail'
   */
  readonly inDoubt?: 'fail' | 'resend'
}

export const batchRules: OptionRules<BatchOptions> = {
  within: rules.duration,
  checkpoint: checkpointRule,
  late: rules.oneOf('one-by-one', 'fail'),
  margin: rules.duration,
  collect: rules.duration,
  poll: rules.duration,
  retry: rules.whole(0),
  maxCalls: rules.whole(1),
  inDoubt: rules.oneOf('fail', 'resend'),
}
