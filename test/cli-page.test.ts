import { expect, test } from 'vitest'
import { cliPage } from './support/cli-page.ts'

test('docs/cli.md says what the command table says; npm run docs writes it', async () => {
  await expect(cliPage()).toMatchFileSnapshot('../docs/cli.md')
})
