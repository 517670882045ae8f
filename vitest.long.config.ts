import { defineConfig, mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** The full figures of the reliability programme; `npm test` has their short versions. One file at a time, because they measure. */
const long = mergeConfig(base, defineConfig({ test: { testTimeout: 900_000, fileParallelism: false } }))
export default {
  ...long,
  test: { ...long.test, setupFiles: [], include: ['**/*.long.test.ts'], exclude: ['**/node_modules/**', 'dist/**'] },
}
