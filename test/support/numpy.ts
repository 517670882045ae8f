/**
 * NumPy for the tests that compare with it: that of the benchmarks (`node bench/peers.mjs`), or one in the cache of node_modules. Where both are
 * missing it is installed, if that takes no question: as root, on Debian and what is made of it. Elsewhere those tests are skipped, and this says
 * so; in CI a missing NumPy is a failure, because a skip there would hide one.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DType } from '../../src/array/index.ts'

/** Dtypes as NumPy writes them: a letter and the bytes. */
export const numpyNames: Readonly<Record<DType, string>> = {
  f64: 'f8',
  f32: 'f4',
  f16: 'f2',
  i64: 'i8',
  i32: 'i4',
  i16: 'i2',
  i8: 'i1',
  u64: 'u8',
  u32: 'u4',
  u16: 'u2',
  u8: 'u1',
  bool: '?',
}

const version = '2.4.6'
const peers = fileURLToPath(new URL('../../bench/.peers/python/bin/python', import.meta.url))
const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))
const modules = join(cache, `numpy-${version}`)
const apt = '/usr/bin/apt-get'

/** Whether scripts can be run; installs NumPy the first time. */
export function hasNumpy(): boolean {
  if (existsSync(peers) || existsSync(modules)) return true
  if (process.getuid?.() === 0 && existsSync(apt)) install()
  if (existsSync(modules)) return true
  const message = 'NumPy is not installed: node bench/peers.mjs'
  if (process.env['CI'] === 'true') throw new Error(message)
  console.warn(`${message}. The comparisons with it are skipped.`)
  return false
}

/** Runs a script with NumPy. @returns the lines that it prints */
export function runNumpy(script: string, input: string): string[] {
  const [command, env] = existsSync(peers) ? [peers, {}] : ['python3', { PYTHONPATH: modules }]
  const { stdout, stderr, status } = spawnSync(command, ['-c', script], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, ...env },
  })
  if (status !== 0) throw new Error(`NumPy ended with ${status}: ${stderr}`)
  return stdout.trim().split('\n')
}

/** Another process may do the same at the same time: the folder takes its name when it is whole. */
function install(): void {
  console.warn('NumPy is missing; installing it with pip')
  mkdirSync(cache, { recursive: true })
  const temporary = mkdtempSync(join(cache, 'numpy-'))
  const run = (command: string, ...args: readonly string[]): void => {
    execFileSync(command, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  }
  try {
    const venv = join(temporary, 'venv')
    if (spawnSync('python3', ['-m', 'venv', venv]).status !== 0) {
      run(apt, 'update', '-qq')
      run(apt, 'install', '-y', '-qq', '--no-install-recommends', 'python3', 'python3-venv')
      run('python3', '-m', 'venv', venv)
    }
    const target = join(temporary, 'modules')
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--target', target]
    run(join(venv, 'bin', 'python'), ...pip, `numpy==${version}`)
    if (!existsSync(modules)) renameSync(target, modules)
  } catch (error) {
    console.warn(`It could not be installed: ${String(error)}`)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}
