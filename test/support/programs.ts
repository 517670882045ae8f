/** Programs under `fixtures/programs` that measure themselves, with the built package. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * Runs one, with `gc()`, and gives the JSON that it prints. Memory is measured like this: in the process of the tests the runner's
 * is in it. The young generation is kept at the size of Node 20; later versions let it grow, which is no leak.
 */
export function measured(name: string, ...args: string[]): Record<string, number> {
  return run(['--max-semi-space-size=16'], name, args)
}

/** The same in a heap of so many megabytes; a program that needs more is ended by the engine. */
export function measuredWithin(heapMb: number, name: string, ...args: string[]): Record<string, number> {
  return run([`--max-old-space-size=${heapMb}`], name, args)
}

function run(nodeArgs: readonly string[], name: string, args: readonly string[]): Record<string, number> {
  const file = fileURLToPath(new URL(`../fixtures/programs/${name}`, import.meta.url))
  const options = { encoding: 'utf8', env: { PATH: process.env.PATH } } as const
  return JSON.parse(execFileSync(process.execPath, ['--expose-gc', ...nodeArgs, file, ...args], options)) as Record<
    string,
    number
  >
}
