import { HeddleError, nameClass } from '../../base/errors.ts'

/** A plan cannot be read or cannot be followed. The message names the file and the line. */
export class InvalidPlan extends HeddleError {
  static {
    nameClass(this, 'InvalidPlan', 'HEDDLE_INVALID_PLAN')
  }
}
