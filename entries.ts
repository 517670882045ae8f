/** The public entries of the package, by subpath (`index` is `heddle` itself): the one list that build, tests and exports share. */
export const entries: Readonly<Record<string, string>> = {
  index: 'src/index.ts',
  ai: 'src/ai/index.ts',
  'ai/simulator': 'src/ai/simulator/index.ts',
  array: 'src/array/index.ts',
  'array/kernel-worker': 'src/array/jobs/kernel-worker.ts',
  bullmq: 'src/fleet/index.ts',
  eslint: 'src/find/eslint.ts',
  find: 'src/find/index.ts',
  http: 'src/fleet/http/index.ts',
  plan: 'src/plan/index.ts',
  serve: 'src/serve/index.ts',
  'serve/llama': 'src/serve/llama/index.ts',
  'serve/onnx': 'src/serve/onnx/index.ts',
  sync: 'src/sync/index.ts',
  trace: 'src/trace/index.ts',
}
