/**
 * Installs the peers in other languages into bench/.peers: `node bench/peers.mjs`. The Python ones need Python 3.11 or newer with venv (PySpark
 * also Java 17 or newer), those in Go need Go 1.24 or newer. What cannot be installed is named; benches name it as absent.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { goPeer, pythonBinary, pythonFolder } from './harness/processes.mjs'

const pinned = [
  'dask[array,bag]==2026.8.0',
  'numpy==2.4.6',
  'ortools==9.15.6755',
  'numexpr==2.14.2',
  'pyarrow==26.0.1',
  'joblib==1.6.0',
  'duckdb==2.0.0',
  'polars==2.1.0',
  'ray==2.60.0',
  'celery[redis]==5.7.0',
  'dask[distributed]==2026.8.0',
  'pyspark==4.3.0',
]

/** @type {string[]} */
const [installed, absent] = [[], []]
const note = (/** @type {string} */ name, /** @type {boolean} */ worked) => void (worked ? installed : absent).push(name)

mkdirSync(pythonFolder, { recursive: true })
if (run(process.platform === 'win32' ? 'python' : 'python3', '-m', 'venv', pythonFolder)) {
  for (const name of pinned) note(name, run(pythonBinary, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', name))
} else absent.push(...pinned)
const source = fileURLToPath(new URL('whole-jobs/peers.go', import.meta.url))
note('the programs in Go', run('go', 'build', '-o', goPeer('whole-jobs'), source))
if (spawnSync('java', ['-version']).error) absent.push('Java, which pyspark needs')

if (installed.length > 0) console.log(`Installed ${installed.join(', ')}`)
if (absent.length > 0) console.log(`Not installed: ${absent.join(', ')}`)

/** @param {string} command @param {string[]} args */
function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) console.error(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`)
  return status === 0
}
