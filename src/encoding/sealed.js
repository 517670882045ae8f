// @ts-check
/**
 * Values as bytes that the thread between two workers never decodes: what one worker made and another needs passes here as a few words.
 *
 * The bytes (`written.js` says of which values) lie in shared memory: handing them on copies nothing, however many get them, and the last one that
 * lets go frees them.
 */
import { readWritten, written } from './written.js'

/** Bytes of a value: told from any other value by its class. */
export class Sealed {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes
  }

  /** The value. */
  open() {
    return unseal(this.bytes)
  }
}

/**
 * The value as bytes in shared memory; undefined where it cannot be sealed, and for what is as cheap as it is.
 *
 * @param {unknown} value
 * @returns {Uint8Array | undefined}
 */
export function seal(value) {
  if (typeof value !== 'object' || value === null) return undefined
  const bytes = written([value])
  if (!bytes) return undefined
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  return shared
}

/** @param {Uint8Array} bytes what {@link seal} gave, on any thread */
export function unseal(bytes) {
  return readWritten(bytes)[0]
}
