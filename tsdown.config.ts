import { defineConfig } from 'tsdown'
import { entries } from './entries.ts'

export default defineConfig({
  entry: {
    ...entries,
    cli: 'src/cli/main.ts',
    'dashboard-server': 'src/dashboard/server/thread.ts',
    thread: 'src/workers/thread/entry.js',
  },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  dts: true,
  // A build that fails leaves the last good one in place; `prepack` starts from nothing.
  clean: false,
  fixedExtension: false,
})
