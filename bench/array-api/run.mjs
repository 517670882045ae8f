/**
 * Runs the test suite of the Python array API standard (https://github.com/data-apis/array-api-tests) against heddle/array: `node bench/array-api/run.mjs`. The suite and
 * its copy of the standard are fetched into bench/.peers, with pytest and what else it needs; nothing of them is kept here. Arguments go to pytest, such as
 * `-k sort` or `--max-examples 200`. ARRAY_API_TESTS and ARRAY_API name other sources than GitHub.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pythonBinary, pythonFolder } from '../harness/processes.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const peers = dirname(pythonFolder)
const suite = join(peers, 'array-api-tests')
/** The commits that the figures in the docs were taken with. */
const commits = { suite: '55fcc60', standard: '5f847a3858875c682ae901aa22b0413bf24be9da' }
const sources = {
  suite: process.env['ARRAY_API_TESTS'] ?? 'https://github.com/data-apis/array-api-tests',
  standard: process.env['ARRAY_API'] ?? 'https://github.com/data-apis/array-api',
}
const needs = ['pytest>=9', 'pytest-json-report>=1.5', 'hypothesis>=6.151.0', 'ndindex>=1.8', 'numpy==2.4.6']

mkdirSync(peers, { recursive: true })
if (!existsSync(suite)) {
  run('git', ['clone', '--quiet', sources.suite, suite])
  run('git', ['-C', suite, 'checkout', '--quiet', commits.suite])
  run('git', ['clone', '--quiet', sources.standard, join(suite, 'array-api')])
  run('git', ['-C', join(suite, 'array-api'), 'checkout', '--quiet', commits.standard])
}
if (!existsSync(pythonBinary)) run(process.platform === 'win32' ? 'python' : 'python3', ['-m', 'venv', pythonFolder])
if (spawnSync(pythonBinary, ['-c', 'import pytest, pytest_jsonreport, hypothesis, ndindex, numpy']).status !== 0)
  run(pythonBinary, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...needs])

const report = join(peers, 'array-api-report.json')
writeFileSync(report, '{}')
const { status } = spawnSync(
  pythonBinary,
  [
    '-m',
    'pytest',
    'array_api_tests',
    '-q',
    '--no-header',
    '--tb=line',
    '-W',
    'ignore',
    '-p',
    'no:cacheprovider',
    '-p',
    'suite_plugin',
    '--json-report',
    '--json-report-file',
    report,
    ...process.argv.slice(2),
  ],
  {
    cwd: suite,
    stdio: 'inherit',
    env: {
      ...process.env,
      ARRAY_API_TESTS_MODULE: 'heddle_array',
      ARRAY_API_TESTS_SKIP_DTYPES: 'complex64,complex128',
      PYTHONPATH: `${here}${delimiter}${suite}`,
    },
  },
)

/** @type {{ summary?: { passed?: number, failed?: number, error?: number, skipped?: number } }} */
const { summary = {} } = JSON.parse(
  readFileSync(report, 'utf8').replaceAll(/(?<=[:[, ])(?:NaN|-?Infinity)(?=[,\]} \n])/g, 'null'),
)
const { passed = 0, failed = 0, error = 0, skipped = 0 } = summary
const ran = passed + failed + error
console.log(
  `array API: ${passed} passed, ${failed + error} failed, ${skipped} skipped; ${ran === 0 ? 0 : ((100 * passed) / ran).toFixed(1)} % of what ran`,
)
process.exitCode = status ?? 1

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const result = spawnSync(command, args, { stdio: 'inherit' })
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(' ')} failed${result.error ? `: ${result.error.message}` : ''}`)
}
