import { defineConfig } from 'vitest/config'
import { shared } from './vitest.config.ts'

/**
 * The package beside real counterparts that are too heavy for `npm install` (test/support/counterparts.ts). Two files at a time, because many of
 * them start programs that use every core. A test that fails is tried again: real programs, clocks and ports of a shared machine are in it.
 */
export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    include: ['**/*.matrix.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**'],
    globalSetup: ['test/support/build.ts', 'test/support/chromium.ts'],
    setupFiles: ['test/support/seed.ts'],
    testTimeout: 300_000,
    hookTimeout: 900_000,
    maxWorkers: 2,
    retry: 2,
  },
})
