import { defineConfig, type UserConfig } from 'tsdown'
import { entries } from './entries.ts'

/**
 * Arrays have a type of their buffer from TypeScript 5.7 on; the declarations pass from 5.4 on, without `skipLibCheck`. Where the type is left out, newer
 * ones take any buffer.
 */
const declarationsForOlderTypeScript = {
  name: 'declarations-for-older-typescript',
  renderChunk(code: string, { fileName }: { readonly fileName: string }): string | undefined {
    if (!fileName.endsWith('.d.ts')) return undefined
    return code.replace(/\b((?:Int|Uint|Float|BigInt|BigUint)\d+(?:Clamped)?Array)<(?:Shared)?ArrayBuffer(?:Like)?>/g, '$1')
  },
}

const common: UserConfig = {
  plugins: [declarationsForOlderTypeScript],
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
 * lies in two files, `base` for what the other entries and the command need as well, and `core`. What finds secrets is needed by those others only, and so are
 * imports of packages that need not be there, on which bundlers would fail.
 */
const groups = [
  { name: 'base', test: /src\/base\/(?!redact|secrets|optional-package)[^.]*\.[jt]s$/, tags: ['$initial' as const], priority: 1 },
  { name: 'core', test: /src\/index\.ts$/ },
  // Else it would lie in cli.js, and whoever loads that runs the command.
  { name: 'version', test: /src\/cli\/version\.ts$/ },
]

export default defineConfig([
  {
    ...common,
    entry: {
      ...entries,
      cli: 'src/cli/main.ts',
      'dashboard-server': 'src/dashboard/server/thread.ts',
      'find-worker': 'src/find/find.worker.ts',
    },
    // Editors read docstrings from the declarations.
    outputOptions: { comments: { jsdoc: false }, codeSplitting: { groups } },
  },
  // Every worker starts with it, and with nothing else.
  { ...common, entry: { thread: 'src/workers/thread/entry.js' }, outputOptions: { comments: { jsdoc: false } } },
])
