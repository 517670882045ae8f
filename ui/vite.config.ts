import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { viteSingleFile } from 'vite-plugin-singlefile'

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/**
 * The page as one file without a single request for anything else, `index.html`. With `--mode report` the script that makes an offline report
 * of that page, `report.js`: it holds the model, which a page from a server does not need.
 */
export default defineConfig(({ mode }) => ({
  root: import.meta.dirname,
  logLevel: 'error',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: mode === 'report' ? [] : [viteSingleFile()],
  build: {
    outDir: file('../dist/ui'),
    emptyOutDir: false,
    target: 'es2022',
    // The first that know `light-dark()`: lowered for older ones it would not follow the switch.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    chunkSizeWarningLimit: 400,
    ...(mode === 'report'
      ? { lib: { entry: file('src/report.ts'), formats: ['iife'], name: 'heddleReportScript', fileName: () => 'report.js' } }
      : { rolldownOptions: { input: file('index.html') } }),
  },
  server: { host: '127.0.0.1' },
}))
