/**
 * The documentation site: `npm run docs:dev` serves it while pages are written, `npm run docs:build` writes it to site/dist. Its generator
 * is heavy (150 MB), so the site is not a workspace: it is installed here at first use.
 *
 * The generator finds its own modules only beside its pages, so those are copied from docs/ into site/pages, and again when they change.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, renameSync, rmSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createJiti } from 'jiti'

const site = fileURLToPath(new URL('.', import.meta.url))
const docs = join(site, '../docs')
const pages = join(site, 'pages')

const [verb = 'dev', ...rest] = process.argv.slice(2)
installOnce()
rmSync(pages, { recursive: true, force: true })
cpSync(docs, pages, { recursive: true })
cpSync(join(site, 'home.md'), join(pages, 'index.md'))
await writeReference()
const watcher = verb === 'dev' ? watch(docs, (_, file) => copyChanged(String(file))) : undefined
const vitepress = spawn('npx', ['vitepress', verb, '.', ...rest], { cwd: site, stdio: 'inherit' })
vitepress.on('exit', (code) => {
  watcher?.close()
  process.exitCode = code ?? 1
})

function installOnce() {
  const installed = join(site, 'node_modules/.package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(site, 'package.json')).mtimeMs) return
  run('npm', ['install', '--ignore-scripts'])
}

/** The API reference, from the docstrings of what the package exports. */
async function writeReference() {
  const { entries } = /** @type {typeof import('../entries.ts')} */ (await createJiti(import.meta.url).import('../entries.ts'))
  run('npx', ['typedoc', '--options', 'typedoc.json', ...Object.values(entries).map((source) => `../${source}`)])
  // The page of the type `Index`: the generator takes links to it for links to its folder.
  const page = join(pages, 'api/heddle/array/type-aliases/Index.md')
  if (existsSync(page)) renameSync(page, join(page, '../index.md'))
}

/** @param {string} file */
function copyChanged(file) {
  const page = join(docs, file)
  if (existsSync(page)) cpSync(page, join(pages, file))
  else rmSync(join(pages, file), { force: true })
}

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: site, stdio: 'inherit' })
  if (status === 0) return
  console.error(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`)
  process.exit(1)
}
