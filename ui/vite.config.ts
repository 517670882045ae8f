import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { viteSingleFile } from 'vite-plugin-singlefile'

/**
 * Two pages, each one file without a single request for anything else: `index.html`, which the server hands out, and with
 * `--mode report` `report.html`, which holds the model too and gets its trace from whoever writes a report.
 */
export default defineConfig(({ mode }) => ({
  root: import.meta.dirname,
  logLevel: 'error',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [viteSingleFile()],
  build: {
    outDir: fileURLToPath(new URL('../dist/ui', import.meta.url)),
    emptyOutDir: false,
    target: 'es2022',
    // The first that know `light-dark()`: lowered for older ones it would not follow the switch.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    chunkSizeWarningLimit: 400,
    rolldownOptions: { input: fileURLToPath(new URL(mode === 'report' ? 'report.html' : 'index.html', import.meta.url)) },
  },
  server: { host: '127.0.0.1' },
}))
