import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { entries } from './entries.ts'

/** `heddle` and its subpaths mean the sources under test, never an older build. */
const alias = Object.entries(entries).map(([name, source]) => ({
  find: new RegExp(name === 'index' ? '^heddle$' : `^heddle/${name}$`),
  replacement: fileURLToPath(new URL(source, import.meta.url)),
}))

export default defineConfig({
  resolve: { alias },
  test: {
    exclude: ['**/*.long.test.ts', '**/*.matrix.test.ts', '**/node_modules/**', 'dist/**'],
    include: ['src/**/*.test.ts', 'ui/src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    globalSetup: ['test/support/build.ts', 'test/support/chromium.ts'],
    setupFiles: ['test/support/seed.ts'],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    pool: 'forks',
    // Machines of CI are shared, and can hold a process for seconds: what depends on a moment is tried again there. A fault fails each time.
    retry: process.env['CI'] === 'true' ? 2 : 0,
  },
})
