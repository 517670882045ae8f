import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { entries } from './entries.ts'

/** `heddle` and its subpaths mean the sources under test, never an older build. */
const alias = Object.entries(entries).map(([name, source]) => ({
  find: new RegExp(name === 'index' ? '^heddle$' : `^heddle/${name}$`),
  replacement: fileURLToPath(new URL(source, import.meta.url)),
}))

const built = '**/*.built.test.ts'
const elsewhere = ['**/*.long.test.ts', '**/*.matrix.test.ts', '**/node_modules/**', 'dist/**']

/** What every kind of test shares; the long tests and those of the matrix begin with it too. */
export const shared = {
  resolve: { alias },
  test: {
    testTimeout: 60_000,
    hookTimeout: 180_000,
    // What is polled for comes or does not; a second is too short for a machine that is busy.
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks' as const,
    // Machines of CI are shared, and can hold a process for seconds: what depends on a moment is tried again there. A fault fails each time.
    retry: process.env['CI'] === 'true' ? 2 : 0,
  },
}

/** Vitest leaves one core free by default, which on a machine of two cores would leave one file at a time. */
const files = Math.max(2, availableParallelism() - 1)

/** What the cache of compiled files does not see by itself: which files `heddle` and its subpaths mean. */
const meaning = createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 12)

export default defineConfig({
  test: {
    // Both projects load the same files, and so does the next run: compiling them takes a seventh of the unit tests' processor time.
    experimental: { fsModuleCache: true, fsModuleCachePath: `node_modules/.cache/vitest-${meaning}` },
    projects: [
      {
        ...shared,
        test: {
          ...shared.test,
          name: 'unit',
          include: ['src/**/*.test.ts', 'ui/src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: [built, ...elsewhere],
          setupFiles: ['test/support/seed.ts'],
          // What heddle is made of is loaded once per process, instead of 150 times: half of the time goes there otherwise.
          isolate: false,
          maxWorkers: files,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...shared,
        test: {
          ...shared.test,
          name: 'built',
          include: [built],
          exclude: elsewhere,
          globalSetup: ['test/support/build.ts', 'test/support/chromium.ts', 'test/support/stores-install.ts'],
          setupFiles: ['test/support/seed.ts'],
          // Most of them start programs that use several cores.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
