import { afterAll, expect, test } from 'vitest'
import { map, threads, warmUp, workers, WorkerStartFailed } from '../src/index.ts'
import { plain } from './fixtures/plain.ts'

const own = threads({ size: 2 })
afterAll(() => own.close({ graceMs: 0 }))

test('warming up starts every worker and loads the module there', async () => {
  await warmUp([plain.double], { on: own })
  expect(await map([1, 2, 3], plain.double, { on: own })).toEqual([2, 4, 6])
  await warmUp(plain.double, { on: own })
})

test('a module that cannot be loaded is said then', async () => {
  const { nobody } = workers<{ nobody(): void }>(new URL('fixtures/is-not-there.ts', import.meta.url))
  await expect(warmUp(nobody, { on: own })).rejects.toThrow(WorkerStartFailed)
  await expect(warmUp(nobody, { on: own })).rejects.toThrow(/is-not-there\.ts, could not be loaded/)
})

test('only worker functions can be warmed up', async () => {
  await expect(warmUp(async () => 1)).rejects.toThrow('Expected warmUp to get worker functions, got an anonymous function')
  await expect(warmUp(plain.double, { at: own } as never)).rejects.toThrow('Unknown option `at` of warmUp')
})
