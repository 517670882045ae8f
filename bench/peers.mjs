/** Installs the Python peers into bench/.peers/python: `node bench/peers.mjs`. Needs Python 3.11 or newer with venv. */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { pythonBinary, pythonFolder } from './harness/processes.mjs'

const pinned = ['dask==2026.8.0', 'numpy==2.4.6', 'numexpr==2.14.2']

mkdirSync(pythonFolder, { recursive: true })
run(process.platform === 'win32' ? 'python' : 'python3', '-m', 'venv', pythonFolder)
run(pythonBinary, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...pinned)
console.log(`Installed ${pinned.join(', ')}`)

/** @param {string} command @param {string[]} args */
function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (status === 0) return
  console.error(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`)
  process.exit(1)
}
