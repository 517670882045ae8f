import { availableParallelism } from 'node:os'
import { afterEach, describe, expect, test } from 'vitest'
import { InvalidOption } from './errors.ts'
import { concurrencyVariable, parallelism, parseConcurrency } from './parallelism.ts'

afterEach(() => void delete process.env[concurrencyVariable])

describe('parallelism', () => {
  test('is the number of cores, or what the environment says', () => {
    expect(parallelism()).toBe(availableParallelism())
    process.env[concurrencyVariable] = '3'
    expect(parallelism()).toBe(3)
    process.env[concurrencyVariable] = '50%'
    expect(parallelism()).toBe(Math.max(1, Math.round(availableParallelism() / 2)))
  })

  test.each(['0', '-1', '1.5', 'many', '4 %', '0%', '1e9', '99999999'])('refuses %s, and says whose value it is', (text) => {
    expect(() => parseConcurrency(text, '--concurrency')).toThrow(InvalidOption)
    expect(() => parseConcurrency(text, '--concurrency')).toThrow(/Expected `--concurrency` to be a whole number from 1 up/)
  })

  test('is never less than one', () => {
    expect(parseConcurrency('1%', 'x')).toBeGreaterThanOrEqual(1)
  })
})
