/** A build of thirty commands, as data: what each runs, and which others must have ended before. */
import { join } from 'node:path'

export interface Command {
  readonly needs: readonly string[]
  readonly command: readonly string[]
}

const step = join(import.meta.dirname, 'step.mjs')
const files = Array.from({ length: 24 }, (_, i) => `part-${i}`)
const libraries = ['core', 'net', 'ui']

/** Compiles 24 files, links eight of them into each of three libraries, links, tests and packs these. */
export function commands(folder: string): Record<string, Command> {
  const into = (name: string): string => join(folder, name)
  const run = (name: string, ...needs: string[]): Command => ({
    needs,
    command: [process.execPath, step, into(name), ...needs.map(into)],
  })
  return {
    pack: run('pack', 'test', 'program'),
    test: run('test', 'program'),
    program: run('program', ...libraries),
    ...Object.fromEntries(libraries.map((name, i) => [name, run(name, ...files.slice(8 * i, 8 * i + 8))])),
    ...Object.fromEntries(files.map((name) => [name, run(name)])),
  }
}
