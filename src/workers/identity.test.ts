import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { plain } from '../../test/fixtures/plain.ts'
import { refOf } from '../run/executor.ts'
import { identityOf } from './identity.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-identity-'))
afterAll(() => rmSync(folder, { recursive: true }))

function module(path: string, text: string, packageName?: string): string {
  const file = join(folder, path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, text)
  if (packageName !== undefined) writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: packageName }))
  return pathToFileURL(file).href
}

test('is the same wherever the package lies, and for the source and its build', () => {
  const source = identityOf(module('src/parse.ts', 'one', 'reader'), 'parse')
  expect(source).toEqual({
    package: 'reader',
    module: 'src/parse',
    name: 'parse',
    hash: expect.stringMatching(/^[\da-f]{64}$/) as string,
  })
  expect(identityOf(module('src/parse.js', 'one'), 'parse')).toEqual(source)
})

test('has another hash when the module changes', () => {
  const hash = (): string | undefined => identityOf(pathToFileURL(join(folder, 'src/parse.ts')).href, 'parse').hash
  const before = hash()
  module('src/parse.ts', 'two')
  expect(hash()).not.toBe(before)
})

test('passes a package.json without a name, and bears a module that is not there', () => {
  module('src/package.json', '{ "type": "module" }')
  expect(identityOf(pathToFileURL(join(folder, 'src/gone.ts')).href, 'parse')).toEqual({
    package: 'reader',
    module: 'src/gone',
    name: 'parse',
    hash: undefined,
  })
})

test('stands on the reference of every worker function', () => {
  expect(refOf(plain.sum)?.identity?.()).toMatchObject({ package: 'heddle', module: 'test/fixtures/plain', name: 'sum' })
})
