import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { shared } from './vitest.config.ts'

/** Tests that draw many more cases here than after every change: test/support/runs.ts. */
const root = fileURLToPath(new URL('.', import.meta.url))
const drawing = ['src', 'test'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.test.ts') && /support\/runs\.ts|'fast-check'/.test(readFileSync(join(root, file), 'utf8'))),
)

/** The full figures of the reliability programme; `npm test` has their short versions. One file at a time, because they measure. */
export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    include: ['**/*.long.test.ts', ...drawing],
    exclude: ['**/node_modules/**', 'dist/**'],
    env: { HEDDLE_LONG_TESTS: 'true' },
    globalSetup: ['test/support/build.ts', 'test/support/chromium.ts', 'test/support/stores-install.ts'],
    testTimeout: 900_000,
    fileParallelism: false,
  },
})
