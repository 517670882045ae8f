/** What the documentation shows compiles, and what it lists is complete. `support/docs.ts` says how a page declares what it takes for given. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import * as errors from '../src/base/errors.ts'
import { parseCommand } from '../src/cli/interface/arguments.ts'
import { commands } from '../src/cli/commands.ts'
import { checkPages } from './support/docs.ts'
import { codeBlocks, inlineCommands, isSynopsis, shellCommands } from './support/shell-blocks.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'))
const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...docs.map((name) => `docs/${name.replaceAll('\\', '/')}`)]
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8')

test('the code of every page compiles', { timeout: 120_000 }, () => {
  const { errors: found, blocks } = checkPages(root, pages)
  expect(found).toEqual([])
  expect(blocks).toBeGreaterThan(20)
})

test('every call of heddle that a page shows is one that the command takes', () => {
  const shown = [...shellCommands(root, pages), ...inlineCommands(root, pages)]
  const calls = shown.flatMap(({ place, command }) => {
    const call = /^(?:npx )?heddle (.*)$/.exec(command)?.[1]
    return call === undefined ? [] : [{ place, call: call.replace(/ >>? .*$/, '') }]
  })
  const wrong = calls.flatMap(({ place, call }) => {
    const [name = '', ...args] = call.split(/\s+/).filter((word) => word !== '…')
    const spec = commands.find((command) => command.name === name)
    if (!spec) return [`${place}: no command ${name}`]
    // A command that is only named is no call.
    if (isSynopsis(call) || !args.some((word) => !word.startsWith('-'))) return []
    try {
      parseCommand(spec, args)
      return []
    } catch (error) {
      return [`${place}: heddle ${call}: ${(error as Error).message}`]
    }
  })
  expect(wrong).toEqual([])
  expect(calls.length).toBeGreaterThan(40)
})

test('configuration that a page shows can be read', () => {
  const unreadable = codeBlocks(root, pages, 'json').filter(({ text }) => {
    try {
      JSON.parse(text)
      return false
    } catch {
      return true
    }
  })
  expect(unreadable).toEqual([])
  const scripts = codeBlocks(root, pages, 'js')
  for (const { text } of scripts) execFileSync(process.execPath, ['--check', '--input-type=module'], { input: text })
  expect(scripts.length).toBeGreaterThan(2)
})

test('links between pages and to files lead somewhere', () => {
  const broken = pages.flatMap((page) =>
    [...textOf(page).matchAll(/\]\((?!https?:)([^)#\s]+)(#[^)]*)?\)|srcset="([^"]+)"|src="([^"]+)"/g)]
      .map(([, link, , srcset, src]) => link ?? srcset ?? src ?? '')
      .filter((link) => !existsSync(join(root, dirname(page), link)))
      .map((link) => `${page}: ${link}`),
  )
  expect(broken).toEqual([])
})

// Pictures stay out of the package: npm shows those of the repository.
test('links lead somewhere in the package as well', () => {
  const listed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--silent'], {
    cwd: root,
    encoding: 'utf8',
  })
  const packed = (JSON.parse(listed) as { files: { path: string }[] }[]).flatMap(({ files }) => files.map(({ path }) => path))
  const broken = packed
    .filter((path) => path.endsWith('.md'))
    .flatMap((page) =>
      [...textOf(page).matchAll(/(?<!!\[[^\]]*)\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, link = '']) => join(dirname(page), link).replaceAll('\\', '/'))
        .filter((target) => !packed.some((path) => path === target || path.startsWith(`${target}/`)))
        .map((target) => `${page}: ${target}`),
    )
  expect(broken).toEqual([])
  expect(packed).toContain('docs/servers.md')
})

test('the README begins with what works after installing, and in a clone', () => {
  const readme = textOf('README.md')
  expect(readme).toMatch(/npm install heddle\nnpx heddle run FILE/)
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
  for (const [, name = ''] of readme.matchAll(/npm (?:run )?(start|test|[a-z]+:[a-z]+)\b/g))
    expect(scripts).toHaveProperty([name])
})

test('every error has a row', () => {
  const page = textOf('docs/errors.md')
  const classes = Object.values(errors).filter(
    (value) => typeof value === 'function' && value.prototype instanceof errors.HeddleError,
  )
  const missing = classes.filter(({ prototype }) => !page.includes(`| \`${prototype.name}\` \`${prototype.code}\` |`))
  expect(missing.map(({ name }) => name)).toEqual([])
  expect(classes.length).toBeGreaterThan(15)
})
