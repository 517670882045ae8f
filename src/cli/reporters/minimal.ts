import type { Explanation } from '../../trace/index.ts'
import { errorLines } from './report-error.ts'
import { failedWith, type Outcome, writeReport } from './report-run.ts'
import { say } from '../terminal/say.ts'
import type { Reporter } from './reporter.ts'

/** Only the end; with `-q` only an error. */
export class MinimalReporter implements Reporter {
  readonly #quiet: boolean

  constructor(quiet: boolean) {
    this.#quiet = quiet
  }

  end(explanation: Explanation, outcome: Outcome): void {
    if (!this.#quiet) writeReport(process.stderr, explanation, outcome)
    else if (failedWith(outcome)) say(process.stderr, ...errorLines(outcome.error, process.stderr))
  }
}
