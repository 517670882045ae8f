import { expect, test } from 'vitest'
import { commands } from '../src/cli/commands.ts'
import { globalOptions } from '../src/cli/interface/command-spec.ts'
import { cliPage } from './support/cli-page.ts'

test('docs/cli.md says what the command table says; npm run docs writes it', async () => {
  await expect(cliPage()).toMatchFileSnapshot('../docs/cli.md')
})

test('no command has an option, or a letter, twice', () => {
  for (const { name, options } of commands) {
    const words = [...options, ...globalOptions].flatMap((option) => [
      option.name,
      ...(option.short === undefined ? [] : [option.short]),
    ])
    const twice = words.filter((word, i) => words.indexOf(word) !== i)
    expect({ name, twice }).toEqual({ name, twice: [] })
  }
})
