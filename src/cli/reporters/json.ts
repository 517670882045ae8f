import type { Explanation } from '../../trace/index.ts'
import { type Outcome, reportDocument } from './report-run.ts'
import type { Reporter } from './reporter.ts'

/** One document on stdout at the end. Output of the program goes to stderr, so that nothing else stands there. */
export class JsonReporter implements Reporter {
  readonly #write: typeof process.stdout.write

  constructor() {
    this.#write = process.stdout.write.bind(process.stdout) as typeof process.stdout.write
    process.stdout.write = process.stderr.write.bind(process.stderr) as typeof process.stdout.write
  }

  end(explanation: Explanation, outcome: Outcome): void {
    this.#write(`${reportDocument(explanation, outcome)}\n`)
  }
}
