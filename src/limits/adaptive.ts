import type { Clock } from '../base/clock.ts'
import { type OptionRules, rules } from '../base/options.ts'
export interface AdaptiveOptions {
  /** Never fewer under way than this. Minimum 1. @default 1 */
  readonly min?: number
  /** Never more under way than this. @default 1024 */
  readonly max?: number
  /** How many at first. @default 8 */
  readonly initial?: number
  /** Whether an error says that the other side has too much to do. @default 429, 503, 529 and timeouts */
  readonly isOverload?: (error: unknown) => boolean
}
export const adaptiveRules: OptionRules<AdaptiveOptions> = {
  min: rules.whole(1),
  max: rules.whole(1),
  initial: rules.whole(1),
  isOverload: rules.function,
}
export class AdaptiveConcurrency {
  limit: number
  onChange: ((limit: number) => void) | undefined
  constructor(options: AdaptiveOptions & { readonly name?: string }, _clock: Clock) {
    this.limit = options.initial ?? 8
  }
  start(): number {
    return 0
  }
  settle(_ticket: number, _overloaded: boolean): void {}
  withdraw(_ticket: number): void {}
}
