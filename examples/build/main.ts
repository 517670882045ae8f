/** The build: as many commands at once as there are cores, the longest chain first. A command that fails cancels the others. */
import { mkdir, readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { graphFrom, sh } from 'heddle'
import { commands } from './commands.ts'

export default async function main(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const table = Object.entries(commands(folder)).map(
    ([name, { needs, command }]) => [name, { needs, run: () => sh(command, { name, output: 'none' }) }] as const,
  )
  await graphFrom('build', Object.fromEntries(table)).graph.run(undefined, { concurrency: availableParallelism() })
  return readFile(join(folder, 'pack'), 'utf8')
}
