import { HeddleError } from '../../base/errors.ts'

/** The command line is wrong, or what it names cannot be used. The process ends with exit code 2, and nothing was run. */
export class UsageError extends HeddleError {
  static {
    Object.defineProperties(this.prototype, {
      name: { value: 'UsageError', configurable: true, writable: true },
      code: { value: 'HEDDLE_USAGE', configurable: true, writable: true },
    })
  }
}
