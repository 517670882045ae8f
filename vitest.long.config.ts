import { defineConfig } from 'vitest/config'
import { shared } from './vitest.config.ts'

/** The full figures of the reliability programme; `npm test` has their short versions. One file at a time, because they measure. */
export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    include: ['**/*.long.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**'],
    globalSetup: ['test/support/build.ts', 'test/support/chromium.ts'],
    testTimeout: 900_000,
    fileParallelism: false,
  },
})
