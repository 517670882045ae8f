import { HeddleError, type HeddleErrorOptions, nameClass } from '../base/errors.ts'

/**
 * What a client asked for cannot be answered, whoever is asked and whenever: the server answers with status 400 and this message. A served function throws it for
 * input that it does not take; any other error is a failure of the server.
 *
 * @example
 * throw new BadRequest('Expected `text` to have words', { param: 'text' })
 */
export class BadRequest extends HeddleError {
  /** The field of the request that is wrong. */
  declare readonly param?: string
  /** A word for programs, in the `code` of the answer. */
  declare readonly reason?: string

  constructor(message: string, options: HeddleErrorOptions & { readonly param?: string; readonly reason?: string } = {}) {
    super(message, options)
    if (options.param !== undefined) this.param = options.param
    if (options.reason !== undefined) this.reason = options.reason
  }

  static {
    nameClass(this, 'BadRequest', 'HEDDLE_BAD_REQUEST')
  }
}
