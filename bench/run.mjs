/** `npm run bench -- NAME [--json] [--node 24] [--rounds N] [--only NAME,…] [--cases CASE,…] [--together] [--VARIANT]`; see README.md. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { measure } from './harness/measure.mjs'
import { otherNode } from './harness/processes.mjs'
import { document, print } from './harness/report.mjs'

/** @typedef {import('./harness/measure.mjs').Bench} Bench */

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
  const names = readdirSync(new URL('.', import.meta.url))
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length))
  const name = process.argv.slice(2).find((word) => names.includes(word))
  if (name === undefined) {
    const asked = process.argv.slice(2).find((word) => !word.startsWith('-'))
    console.error(`${asked === undefined ? 'Which bench?' : `There is no bench ${asked}.`} npm run bench -- ${names.join(' | ')}`)
    process.exitCode = 2
    return
  }
  /** @type {Bench} */
  const whole = (await import(`./${name}${suffix}`)).default
  const variants = Object.keys(whole.variants ?? {})
  const { values } = parseArgs({
    allowPositionals: true,
    options: {
      ...Object.fromEntries(variants.map((variant) => [variant, { type: /** @type {const} */ ('boolean') }])),
      json: { type: 'boolean' },
      node: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string' },
      cases: { type: 'string' },
      together: { type: 'boolean' },
    },
  })
  if (values.node !== undefined) {
    process.exitCode = underNode(values.node)
    return
  }
  warnOfOldBuild()
  const variant = variants.find((variant) => values[variant])
  const bench = (variant && whole.variants?.[variant]) || whole
  const { contenders, cases } = chosen(bench, values)
  const results = await measure(name, bench, {
    variant,
    rounds: values.rounds === undefined ? undefined : Number(values.rounds),
    only: contenders && ((contender) => contenders.includes(contender)),
    cases: cases && ((size) => cases.includes(size)),
    together: values.together,
    progress: process.stderr.isTTY ? (text) => process.stderr.write(`\r\u001B[K${text}`) : undefined,
  })
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K')
  const report = document(name, bench, results)
  if (values.json) console.log(JSON.stringify(report, null, 2))
  else print(report)
}

/**
 * Which contenders and cases are asked for; undefined: all. `--only` takes names of both.
 * @param {Bench} bench @param {{ only?: string, cases?: string }} flags
 */
function chosen(bench, { only, cases }) {
  const isCase = (/** @type {string} */ name) => name in (bench.cases ?? {})
  const names = listed(only)
  const unknown = [
    ...names.filter((name) => !(name in bench.contenders) && !isCase(name)),
    ...listed(cases).filter((name) => !isCase(name)),
  ]
  if (unknown.length > 0) {
    const known = [...Object.keys(bench.contenders), ...Object.keys(bench.cases ?? {})]
    throw new Error(`There is no contender or case ${JSON.stringify(unknown[0])} here. There are: ${known.join(' | ')}`)
  }
  const wanted = {
    contenders: names.filter((name) => name in bench.contenders),
    cases: [...names.filter(isCase), ...listed(cases)],
  }
  return {
    contenders: wanted.contenders.length > 0 ? wanted.contenders : undefined,
    cases: wanted.cases.length > 0 ? wanted.cases : undefined,
  }
}

/** Names separated by commas; a name may contain `, `. @param {string | undefined} list */
function listed(list) {
  return list?.split(/,(?! )/) ?? []
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
