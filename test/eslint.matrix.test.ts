/** `heddle/eslint` in the linters that people run: ESLint 9 and 10, and oxlint. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import heddle from '../src/find/eslint.ts'
import { type Counterparts, counterparts } from './support/counterparts.ts'

const linters = counterparts('eslint')
const root = fileURLToPath(new URL('..', import.meta.url))
const code = `import { readFile } from 'node:fs/promises'
export async function both() {
  const a = await readFile('a')
  const b = await readFile('b')
  return [a, b]
}
`
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-eslint-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/heddle'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'code.js'), code)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(!linters).each(['eslint', 'eslint9'])('%s', (name) => {
  const lint = async (fix: boolean) => {
    const { ESLint } = (linters as Counterparts).require(name) as {
      ESLint: new (options: object) => { lintFiles(files: string[]): Promise<Linted[]> }
    }
    const linter = new ESLint({ cwd: folder, overrideConfigFile: true, overrideConfig: [heddle.configs.recommended], fix })
    return linter.lintFiles(['code.js'])
  }

  test('shows the finding where it is', async () => {
    const [{ messages } = { messages: [] }] = await lint(false)
    expect(messages).toMatchObject([{ ruleId: 'heddle/sequential-awaits', line: 3, column: 3 }])
    expect(messages[0]?.message).toContain('do not depend on one another')
  })

  test('fixes what is proven', async () => {
    const [{ output, messages } = { output: '', messages: [] }] = await lint(true)
    expect(output).toContain('const [a, b] = await Promise.all([')
    expect(messages).toEqual([])
  })
})

interface Linted {
  readonly output?: string
  readonly messages: readonly {
    readonly ruleId: string
    readonly line: number
    readonly column: number
    readonly message: string
  }[]
}

test.skipIf(!linters)('oxlint runs the rules as a plugin', () => {
  const config = join(folder, '.oxlintrc.json')
  writeFileSync(config, JSON.stringify({ jsPlugins: ['heddle/eslint'], rules: { 'heddle/sequential-awaits': 'error' } }))
  const oxlint = join(linters?.folder ?? '', 'node_modules/oxlint/bin/oxlint')
  let printed = ''
  try {
    printed = execFileSync(process.execPath, [oxlint, '-c', config, 'code.js'], { cwd: folder, encoding: 'utf8' })
  } catch (error) {
    printed = (error as { stdout: string }).stdout
  }
  expect(printed).toContain('heddle(sequential-awaits)')
  expect(printed).toContain('do not depend on one another')
})
