/**
 * Packs the package as npm would publish it, and checks what others would get: the exports map (publint, Are the types wrong?), and an empty
 * project that installs the tarball, type-checks a program against it, and runs it with its worker module in TypeScript.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'heddle-package-'))

/** @param {string} command @param {readonly string[]} args @param {string} cwd */
function run(command, args, cwd) {
  console.log(`$ ${command} ${args.join(' ')}`)
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

try {
  run('npm', ['pack', '--silent', '--pack-destination', folder], root)
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack gave no tarball')
  const packed = join(folder, tarball)

  run('npx', ['publint', '--strict', packed], root)
  // CommonJS cannot load the package: it is ESM only, and says so.
  run('npx', ['attw', '--profile', 'esm-only', packed], root)

  const project = join(folder, 'project')
  cpSync(fileURLToPath(new URL('project', import.meta.url)), project, { recursive: true })
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }))
  run('npm', ['install', '--no-fund', '--no-audit', packed], project)
  for (const name of ['@types/node', 'undici-types'])
    cpSync(join(root, 'node_modules', name), join(project, 'node_modules', name), { recursive: true })
  run('node', [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', '.'], project)
  const said = run('npx', ['heddle', 'run', 'main.ts'], project)
  if (!said.includes('42 words')) throw new Error(`Expected the program to print its count, got ${JSON.stringify(said)}`)
  console.log('the packed package works in an empty project')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
