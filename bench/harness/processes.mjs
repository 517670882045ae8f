/** Other processes that benches measure: a fresh Node, another Node version, a Python peer that answers questions. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const benchFolder = new URL('../', import.meta.url)
const peers = new URL('.peers/', benchFolder)
const windows = process.platform === 'win32'

/**
 * Runs a script in a fresh process of this Node and gives what it printed last, parsed as JSON, and how long the whole took.
 * @param {URL} script
 * @param {{ args?: readonly string[], nodeArgs?: readonly string[], raw?: boolean }} [options] `raw`: what it prints is not JSON
 * @returns {Promise<{ value: any, wallMs: number }>}
 */
export async function fresh(script, { args = [], nodeArgs = [], raw = false } = {}) {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [...nodeArgs, fileURLToPath(script), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk))
  const [code, signal] = await once(child, 'close')
  const wallMs = performance.now() - startedAt
  if (code !== 0) throw new Error(`${script.pathname} ended with ${signal ?? `exit code ${code}`}`)
  const last = output.trimEnd().split('\n').at(-1) ?? ''
  return { value: raw ? last : JSON.parse(last), wallMs }
}

/** The binary of another Node (`'24'`, `'22.12.0'`), installed from npm at first use. @param {string} version */
export function otherNode(version) {
  if (!/^\d+(\.\d+){0,2}$/.test(version)) throw new Error(`Expected --node to be a version such as 24 or 22.12.0, got ${version}`)
  const name = `node-${windows ? 'win' : process.platform}-${process.arch}`
  const folder = fileURLToPath(new URL(`node-${version}/`, peers))
  const binary = `${folder}node_modules/${name}/bin/node${windows ? '.exe' : ''}`
  if (existsSync(binary)) return binary
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}package.json`, '{ "private": true }\n')
  const install = ['install', '--no-audit', '--no-fund', '--prefix', folder, `${name}@${version}`]
  const { status } = spawnSync('npm', install, { stdio: ['ignore', 2, 2], shell: windows })
  if (status !== 0 || !existsSync(binary)) throw new Error(`npm could not install ${name}@${version}`)
  return binary
}

/** The folder of the Python environment that `bench/peers.mjs` makes. */
export const pythonFolder = fileURLToPath(new URL('python/', peers))
export const pythonBinary = `${pythonFolder}${windows ? 'Scripts/python.exe' : 'bin/python'}`

/** The binary of a peer in Go, where `bench/peers.mjs` puts it. @param {string} name */
export const goPeer = (name) => fileURLToPath(new URL(`go/${name}${windows ? '.exe' : ''}`, peers))

/** @typedef {{ ask: (request: object) => Promise<any>, close: () => Promise<void> } | { absent: string }} Serving */

/**
 * Starts a Python script that answers questions (see harness/serve.py), so that Python peers take their turns like the others.
 * @param {URL} script @returns {Promise<Serving>}
 */
export function openPython(script) {
  return openServing(pythonBinary, ['-u', fileURLToPath(script)])
}

/**
 * Starts a process that answers questions: one JSON object per line in, `{ value }` or `{ error }` out.
 * @param {string} binary one that `bench/peers.mjs` makes @param {readonly string[]} [args] @returns {Promise<Serving>}
 */
export async function openServing(binary, args = []) {
  if (!existsSync(binary)) return { absent: 'run `node bench/peers.mjs` to install the peers in other languages' }
  const child = spawn(binary, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Settings of this machine's OpenBLAS would choose kernels for another processor.
    env: { ...process.env, PYTHONPATH: fileURLToPath(benchFolder), OPENBLAS_CORETYPE: undefined, OPENBLAS_L2_SIZE: undefined },
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(`${args.at(-1) ?? binary} ended instead of answering`)
      const answer = JSON.parse(value)
      if (answer.error) throw new Error(`${args.at(-1) ?? binary}: ${answer.error}`)
      return answer.value
    },
    async close() {
      const ended = once(child, 'close')
      child.stdin.end()
      await ended
    },
  }
}
