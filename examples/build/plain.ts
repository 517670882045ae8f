/** The same, one command after the other. */
import { execFile } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { commands } from './commands.ts'

const run = promisify(execFile)

export default async function main(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const table = commands(folder)
  const done = new Set<string>()
  async function build(name: string): Promise<void> {
    const row = table[name]
    if (!row || done.has(name)) return
    done.add(name)
    for (const need of row.needs) await build(need)
    const [file = '', ...args] = row.command
    await run(file, args)
  }
  for (const name of Object.keys(table)) await build(name)
  return readFile(join(folder, 'pack'), 'utf8')
}
