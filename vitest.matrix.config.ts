import { defineConfig, mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

/**
 * The package beside real counterparts that are too heavy for `npm install` (test/support/counterparts.ts). Two files at a time, because many of
 * them start programs that use every core.
 */
const matrix = mergeConfig(base, defineConfig({ test: { testTimeout: 300_000, hookTimeout: 900_000, maxWorkers: 2 } }))
export default {
  ...matrix,
  test: { ...matrix.test, include: ['**/*.matrix.test.ts'], exclude: ['**/node_modules/**', 'dist/**'] },
}
