/** Programs under `fixtures/programs` that measure themselves, with the built package. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * Runs one, with `gc()`, and gives the JSON that it prints. Memory is measured like this: in the process of the tests the runner's
 * is in it. The young generation is kept at the size of Node 20; later versions let it grow, which is no leak.
 */
export function measured(name: string, ...args: string[]): Record<string, number> {
  const file = fileURLToPath(new URL(`../fixtures/programs/${name}`, import.meta.url))
  const options = { encoding: 'utf8', env: { PATH: process.env.PATH } } as const
  return JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', '--max-semi-space-size=16', file, ...args], options),
  ) as Record<string, number>
}
