/** The errors of the fleet: each says what happened, where, and what to do. */
import { HeddleError, nameClass, WorkerCrashed } from '../../base/errors.ts'

/** The store, or something that it was asked to do, is set so that work could be lost; the message names the setting and its mend. */
export class FleetRefused extends HeddleError {
  static {
    nameClass(this, 'FleetRefused', 'HEDDLE_FLEET_REFUSED')
  }
}

/** The store of the fleet cannot be reached. */
export class FleetUnavailable extends HeddleError {
  static {
    nameClass(this, 'FleetUnavailable', 'HEDDLE_FLEET_UNAVAILABLE')
  }
}

/** No living worker has the function in the same build. The message names the build that is wanted, and those that are alive. */
export class NoWorkers extends HeddleError {
  static {
    nameClass(this, 'NoWorkers', 'HEDDLE_NO_WORKERS')
  }
}

/** The machine that had the task died, or could not be heard any more: the task may have run. A `retry` tries it again. */
export class WorkerLost extends WorkerCrashed {
  static {
    nameClass(this, 'WorkerLost', 'HEDDLE_WORKER_LOST')
  }
}

/** An argument or a result is larger than the store may carry. */
export class PayloadTooLarge extends HeddleError {
  static {
    nameClass(this, 'PayloadTooLarge', 'HEDDLE_PAYLOAD_TOO_LARGE')
  }
}
