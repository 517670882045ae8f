/**
 * Runs the tests under another Node, installed from npm at first use: `npm run test:node -- 24 [arguments of vitest]`, such
 * as `--project unit`, which needs no build.
 */
import { spawnSync } from 'node:child_process'
import { dirname, delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { otherNode } from '../bench/harness/processes.mjs'

const [version, ...rest] = process.argv.slice(2)
if (version === undefined || version.startsWith('-')) {
  console.error('Which Node? npm run test:node -- 24 [arguments of vitest]')
  process.exit(2)
}
const root = fileURLToPath(new URL('..', import.meta.url))
const node = otherNode(version)
const { status, signal } = spawnSync(node, ['node_modules/vitest/vitest.mjs', 'run', ...rest], {
  cwd: root,
  stdio: 'inherit',
  // Commands that tests start find the same Node.
  env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` },
})
if (signal) console.error(`vitest ended with ${signal}`)
process.exitCode = status ?? 1
