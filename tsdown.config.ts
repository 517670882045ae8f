import { defineConfig } from 'tsdown'
import { entries } from './entries.ts'

export default defineConfig({
  entry: { ...entries, cli: 'src/cli/main.ts', thread: 'src/workers/thread/entry.js' },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  dts: true,
  clean: true,
  fixedExtension: false,
})
