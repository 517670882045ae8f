/** What one model of a pool has done. */
import type { FailureClass } from '../../base/errors.ts'

export class Counts {
  attempts = 0
  succeeded = 0
  refused = 0
  failed = 0
  input = 0
  cached = 0
  written = 0
  output = 0
  usd = 0
  /** Attempts that did not succeed, by what was wrong. */
  readonly failures = new Map<FailureClass, number>()

  fail(because: FailureClass): void {
    this.failures.set(because, (this.failures.get(because) ?? 0) + 1)
  }
}
