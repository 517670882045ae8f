import { defineConfig, type UserConfig } from 'tsdown'
import { entries } from './entries.ts'

const common: UserConfig = {
  format: 'esm',
  platform: 'node',
  target: 'node20',
  dts: true,
  // A build that fails leaves the last good one in place; `prepack` starts from nothing.
  clean: false,
  fixedExtension: false,
}

/**
 * Every file costs a program that imports heddle a millisecond, and every kilobyte twenty microseconds: so what `heddle` itself needs
 * lies in two files, `base` for what the other entries and the command need as well, and `core`.
 */
const groups = [
  { name: 'base', test: /src\/base\/[^.]*\.[jt]s$/, tags: ['$initial' as const], priority: 1 },
  { name: 'core', test: /src\/index\.ts$/ },
  // Else it would lie in cli.js, and whoever loads that runs the command.
  { name: 'version', test: /src\/cli\/version\.ts$/ },
]

export default defineConfig([
  {
    ...common,
    entry: { ...entries, cli: 'src/cli/main.ts', 'dashboard-server': 'src/dashboard/server/thread.ts' },
    // What editors show stands in the declarations.
    outputOptions: { comments: { jsdoc: false }, codeSplitting: { groups } },
  },
  // Every worker starts with it, and with nothing else.
  { ...common, entry: { thread: 'src/workers/thread/entry.js' } },
])
