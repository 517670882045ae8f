import { fromElsewhere } from '../base/call-site.ts'
import { errorClass } from '../base/errors.ts'
import type { WireError } from './encoded.ts'
import { unpackError } from './errors.js'

/** An error from elsewhere, built again on this thread: of heddle's own class where it was one. */
export function fromWire(error: WireError): unknown {
  return fromElsewhere(unpackError(error, (name) => errorClass(name) as (new (message: string) => Error) | undefined))
}
