// oxlint-disable vitest/expect-expect -- what is expected of every program stands in `run`
/** Workers inside native calls: whatever ends them, the program goes on, and ends with its own exit code. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type Counterparts, counterparts } from './support/counterparts.ts'

const program = fileURLToPath(new URL('fixtures/native-program.mjs', import.meta.url))
const rounds = Number(process.env.HEDDLE_TEST_ROUNDS ?? 3)

interface Said {
  readonly failure?: { readonly name: string; readonly hint?: string; readonly ms: number }
  readonly after?: readonly number[]
}

function run(folder: string, fn: string, way: string): Said {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program, folder, fn, way], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  expect({ status, signal, stderr }).toEqual({ status: 7, signal: null, stderr: '' })
  return JSON.parse(stdout) as Said
}

const failures: Readonly<Record<string, string>> = { timeout: 'TimedOut', cancel: 'Cancelled', close: 'Closed' }

function suite(set: Counterparts | undefined, functions: readonly string[]): void {
  describe.skipIf(!set).each(functions)('%s', (fn) => {
    test.each(Object.entries(failures))(
      `${rounds} of ${rounds}: %s settles in time, and the program ends as without`,
      (way, name) => {
        for (let round = 0; round < rounds; round++) {
          const { failure, after } = run(set?.folder ?? '', fn, way)
          expect(failure?.name).toBe(name)
          expect(failure?.ms).toBeLessThan(2_500)
          expect(after ?? [42]).toEqual([42])
        }
      },
    )

    test(`${rounds} of ${rounds}: the end of the program waits for the call, and keeps its exit code`, () => {
      for (let round = 0; round < rounds; round++) run(set?.folder ?? '', fn, 'end')
    })
  })
}

suite(counterparts('onnx'), ['infer'])
suite(counterparts('native'), ['hash', 'blur'])
