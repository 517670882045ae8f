import { lazily } from './builtin.js'
import { describe, InvalidOption } from './errors.ts'

const os = lazily('node:os')

/** Says how many workers a program takes at most, as `heddle run --concurrency` does: a number, or a share of the cores such as `50%`. */
export const concurrencyVariable = 'HEDDLE_CONCURRENCY'

/**
 * How many workers there are at most where nothing else is said: the cores that the process may use, or what the environment says.
 * @throws {InvalidOption} when that is not a number
 */
export function parallelism(): number {
  const said = process.env[concurrencyVariable]
  if (said === undefined || said === '') return os().availableParallelism()
  return parseConcurrency(said, concurrencyVariable)
}

/** `4`, or `50%` of the cores, at least 1. @throws {InvalidOption} */
export function parseConcurrency(text: string, name: string): number {
  const match = /^([1-9]\d{0,5})(%?)$/.exec(text.trim())
  if (!match)
    throw new InvalidOption(
      `Expected \`${name}\` to be a whole number from 1 up or a share of the cores such as 50%, got ${describe(text)}`,
    )
  const number = Number(match[1])
  return match[2] === '' ? number : Math.max(1, Math.round((os().availableParallelism() * number) / 100))
}
