/** `npm run bench -- NAME [--json] [--node 24] [--rounds N] [--only CONTENDER,…] [--cases CASE,…] [--together]`; see README.md. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { measure } from './harness/measure.mjs'
import { otherNode } from './harness/processes.mjs'
import { document, print } from './harness/report.mjs'

const suffix = '.bench.mjs'

try {
  await main()
} catch (error) {
  console.error(
    error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS') ? error.message : error,
  )
  process.exitCode = 2
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      node: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string' },
      cases: { type: 'string' },
      together: { type: 'boolean' },
    },
  })
  const names = readdirSync(new URL('.', import.meta.url))
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length))
  const [name] = positionals
  if (name === undefined || !names.includes(name)) {
    console.error(`${name === undefined ? 'Which bench?' : `There is no bench ${name}.`} npm run bench -- ${names.join(' | ')}`)
    process.exitCode = 2
    return
  }
  if (values.node !== undefined) {
    process.exitCode = underNode(values.node)
    return
  }
  warnOfOldBuild()
  const { default: bench } = await import(`./${name}${suffix}`)
  const results = await measure(name, bench, {
    rounds: values.rounds === undefined ? undefined : Number(values.rounds),
    only: listed(values.only),
    cases: listed(values.cases),
    together: values.together,
    progress: process.stderr.isTTY ? (text) => process.stderr.write(`\r\u001B[K${text}`) : undefined,
  })
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K')
  const report = document(name, bench, results)
  if (values.json) console.log(JSON.stringify(report, null, 2))
  else print(report)
}

/** @param {string | undefined} list */
function listed(list) {
  if (list === undefined) return undefined
  const names = new Set(list.split(','))
  return (/** @type {string} */ name) => names.has(name)
}

/** Runs the same command under another Node, and gives its exit code. @param {string} version */
function underNode(version) {
  const rest = process.argv.slice(2)
  const at = rest.findIndex((word) => word === '--node' || word.startsWith('--node='))
  rest.splice(at, rest[at] === '--node' ? 2 : 1)
  return spawnSync(otherNode(version), [fileURLToPath(import.meta.url), ...rest], { stdio: 'inherit' }).status ?? 1
}

/** The benches measure the built package; figures of an older build would be lies. */
function warnOfOldBuild() {
  const built = new URL('../dist/index.js', import.meta.url)
  const sources = new URL('../src/', import.meta.url)
  if (!existsSync(built)) throw new Error('There is no build to measure: npm run build')
  const builtAt = statSync(built).mtimeMs
  const newer = readdirSync(sources, { recursive: true, encoding: 'utf8' }).find(
    (file) =>
      file.endsWith('.ts') &&
      !file.endsWith('.test.ts') &&
      statSync(new URL(file.replaceAll('\\', '/'), sources)).mtimeMs > builtAt,
  )
  if (newer) console.error(`The build is older than src/${newer}: npm run build\n`)
}
