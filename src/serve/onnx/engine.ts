/** What is used of ONNX Runtime and of tokenizers: optional peers, loaded inside the replica. */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { describe, InvalidOption, WorkerStartFailed } from '../../base/errors.ts'
import { Recent } from '../../base/recent.ts'

/** What this adapter calls of `onnxruntime-node`, or of another ONNX Runtime for JavaScript. */
export interface OnnxRuntime {
  readonly InferenceSession: {
    create(path: string, options?: object): Promise<OnnxSession>
  }
  readonly Tensor: new (type: string, data: BigInt64Array | Int32Array, dims: readonly number[]) => unknown
}

/** A loaded model of ONNX Runtime, as far as it is used. */
export interface OnnxSession {
  readonly inputNames: readonly string[]
  readonly outputNames: readonly string[]
  /** Since ONNX Runtime 1.22. */
  readonly inputMetadata?: readonly { readonly name: string; readonly type?: string }[]
  run(feeds: object): Promise<Readonly<Record<string, OnnxTensor>>>
  release?(): Promise<void>
}

/** A result of ONNX Runtime. */
export interface OnnxTensor {
  readonly data: ArrayLike<number | bigint>
  readonly dims: readonly number[]
}

/** What this adapter calls of `@huggingface/tokenizers`. */
export interface HuggingFaceTokenizers {
  readonly Tokenizer: new (tokenizer: object, config: object) => { encode(text: string): { readonly ids: readonly number[] } }
}

/** Options of a model in an ONNX file with a tokenizer beside it. */
export interface OnnxModelOptions {
  /** Path of the `.onnx` file. */
  readonly model: string
  /** Path of the `tokenizer.json`; or a function from a text to whole numbers, for models that read letters or bytes. */
  readonly tokenizer: string | ((text: string) => readonly number[])
  /** The number that fills up shorter texts of a batch. @default what `tokenizer.json` says, else 0 */
  readonly padding?: number
  /** Longer texts are cut to so many tokens. @default what `tokenizer.json` says, else 512 */
  readonly maxTokens?: number
  /** Typical texts, on which replicas, threads and batches are measured. @default a few of different lengths in English */
  readonly warmUp?: readonly string[]
  /**
   * Each text is computed by itself, whatever travels together. A model that quantizes its activations while it computes scales them by what is in the batch, so that the
   * result for a text depends on its company. @default true for models with such operators (`DynamicQuantizeLinear`), else false
   */
  readonly alone?: boolean
  /** Options of `InferenceSession.create`, such as `executionProviders`. @default one thread pool of `threads`, and what the engine does by itself */
  readonly session?: Readonly<Record<string, unknown>>
  /** Where the engine comes from. @default () => import('onnxruntime-node') */
  readonly engine?: () => Promise<unknown>
  /** Where the tokenizers come from. @default () => import('@huggingface/tokenizers') */
  readonly tokenizers?: () => Promise<unknown>
}

/** Of most encoders. */
const defaultMaxTokens = 512
/** Texts whose tokens are known between counting and computing; a batch has fewer. */
const remembered = 1_024
/** What is looked at of a model's file at once. */
const scanBytes = 2 ** 20

/** What a model gives for some texts. */
export interface TextResult {
  readonly output: OnnxTensor
  /** Tokens of each. */
  readonly lengths: readonly number[]
}

/** An opened model: texts in, tensors out. */
export class TextSession {
  readonly #runtime: OnnxRuntime
  readonly #session: OnnxSession
  readonly #encode: (text: string) => readonly number[]
  readonly #known = new Recent<string, readonly number[]>(remembered)
  readonly #maxTokens: number
  readonly #padding: number
  readonly #alone: boolean

  constructor(runtime: OnnxRuntime, session: OnnxSession, encode: (text: string) => readonly number[], how: How) {
    this.#runtime = runtime
    this.#session = session
    this.#encode = encode
    this.#maxTokens = how.maxTokens
    this.#padding = how.padding
    this.#alone = how.alone
  }

  count(text: string): number {
    return this.tokens(text).length
  }

  tokens(text: string): readonly number[] {
    if (typeof text !== 'string') throw new InvalidOption(`Expected the item to be text, got ${describe(text)}`)
    let ids = this.#known.get(text)
    if (!ids) {
      ids = this.#encode(text)
      // What ends a text ends one that was cut as well.
      if (ids.length > this.#maxTokens) ids = [...ids.slice(0, this.#maxTokens - 1), ids.at(-1) as number]
      this.#known.set(text, ids)
    }
    return ids
  }

  /** @param read what the output of some texts is for each of them @returns that of all texts */
  async each<T>(texts: readonly string[], read: (result: TextResult) => readonly T[]): Promise<T[]> {
    if (!this.#alone) return [...read(await this.#run(texts))]
    const all: T[] = []
    for (const text of texts) all.push(...read(await this.#run([text])))
    return all
  }

  /** The first output for a batch, padded to its longest text. */
  async #run(texts: readonly string[]): Promise<TextResult> {
    const all = texts.map((text) => this.tokens(text))
    const longest = Math.max(1, ...all.map(({ length }) => length))
    const size = texts.length * longest
    const ids = new Int32Array(size).fill(this.#padding)
    const mask = new Int32Array(size)
    for (const [row, tokens] of all.entries()) {
      ids.set(tokens, row * longest)
      mask.fill(1, row * longest, row * longest + tokens.length)
    }
    const columns: Record<string, Int32Array> = { input_ids: ids, attention_mask: mask, token_type_ids: new Int32Array(size) }
    const { inputNames } = this.#session
    // A model that wants one thing wants the text, whatever it calls it.
    const [only] = inputNames
    if (inputNames.length === 1 && only !== undefined) columns[only] = ids
    const feeds: Record<string, unknown> = {}
    for (const name of inputNames) {
      const column = columns[name]
      if (!column)
        throw new InvalidOption(
          `The model has the input ${JSON.stringify(name)}; texts give input_ids, attention_mask and token_type_ids`,
          { hint: 'Describe the model with `open` and `run` of your own.' },
        )
      feeds[name] = this.#tensor(name, column, [texts.length, longest])
    }
    const outputs = await this.#session.run(feeds)
    const output = outputs[this.#session.outputNames[0] ?? '']
    if (!output) throw new InvalidOption('The model has no output')
    return { output, lengths: all.map(({ length }) => length) }
  }

  #tensor(name: string, column: Int32Array, dims: readonly number[]): unknown {
    const { Tensor } = this.#runtime
    // Models from TensorFlow have numbers of 32 bits, those from PyTorch of 64.
    const type = this.#session.inputMetadata?.find((input) => input.name === name)?.type
    return type === 'int32' ? new Tensor('int32', column, dims) : new Tensor('int64', BigInt64Array.from(column, BigInt), dims)
  }

  async close(): Promise<void> {
    await this.#session.release?.()
  }
}

interface How {
  readonly maxTokens: number
  readonly padding: number
  readonly alone: boolean
}

/**
 * Opens model and tokenizer.
 * @throws {WorkerStartFailed} when a package is missing, or a file cannot be read
 */
export async function openTexts(options: OnnxModelOptions, threads: number): Promise<TextSession> {
  const runtime = (await loaded(options.engine, 'onnxruntime-node', 'InferenceSession')) as OnnxRuntime
  const { encode, maxTokens = defaultMaxTokens, padding = 0 } = await encoderOf(options)
  // Both read the file: a replica that is opened again is back the sooner.
  const [session, quantizes] = await Promise.all([
    runtime.InferenceSession.create(options.model, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      ...options.session,
    }),
    options.alone ?? quantizesActivations(options.model),
  ])
  return new TextSession(runtime, session, encode, {
    maxTokens: options.maxTokens ?? maxTokens,
    padding: options.padding ?? padding,
    alone: quantizes,
  })
}

/** The names of operators stand in the file as they are; ONNX Runtime for JavaScript does not show them. */
async function quantizesActivations(path: string): Promise<boolean> {
  const name = 'DynamicQuantize'
  let end = Buffer.alloc(0)
  for await (const chunk of createReadStream(path, { highWaterMark: scanBytes }) as AsyncIterable<Buffer>) {
    const part = Buffer.concat([end, chunk])
    if (part.includes(name)) return true
    end = part.subarray(-name.length)
  }
  return false
}

/** What a text becomes, and what the file of the tokenizer says besides. */
interface Encoder {
  readonly encode: (text: string) => readonly number[]
  readonly maxTokens?: number | undefined
  readonly padding?: number | undefined
}

async function encoderOf({ tokenizer: given, tokenizers }: OnnxModelOptions): Promise<Encoder> {
  // Its numbers are as many as it gives: nothing is known of a limit.
  if (typeof given === 'function') return { encode: given, maxTokens: Number.POSITIVE_INFINITY }
  const { Tokenizer } = (await loaded(tokenizers, '@huggingface/tokenizers', 'Tokenizer')) as HuggingFaceTokenizers
  const json = await tokenizerOf(given)
  const tokenizer = new Tokenizer(json, {})
  const { truncation, padding } = json as { truncation?: { max_length?: number } | null; padding?: { pad_id?: number } | null }
  return { encode: (text) => tokenizer.encode(text).ids, maxTokens: truncation?.max_length, padding: padding?.pad_id }
}

async function tokenizerOf(path: string): Promise<object> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as object
  } catch (cause) {
    throw new WorkerStartFailed(`The tokenizer ${JSON.stringify(path)} could not be read`, {
      cause,
      hint: 'Give the path of a tokenizer.json, as Hugging Face has it.',
    })
  }
}

/** A package that people install only where they use it. */
export async function loaded(given: (() => Promise<unknown>) | undefined, name: string, member: string): Promise<unknown> {
  let module: Readonly<Record<string, unknown>>
  try {
    module = (await (given ? given() : import(name))) as Readonly<Record<string, unknown>>
  } catch (cause) {
    throw new WorkerStartFailed(`The package ${name} could not be loaded`, { cause, hint: `Install it: npm install ${name}` })
  }
  // A CommonJS module may be wrapped.
  const found = member in module ? module : (module['default'] as object | undefined)
  if (found && member in found) return found
  throw new WorkerStartFailed(`The package loaded as ${name} has no ${member}`)
}

/** Of an encoder's everyday: a word, a question, a paragraph. */
export const englishTexts: readonly string[] = [
  'parallel',
  'How do I cancel an order?',
  'The invoice of last month is missing from my account.',
  'Replicas of a model share the work: each computes a batch, and the next one is free for what comes in between.',
  'What is the difference between a thread and a process, and when is it better to start a process for a model?',
  'A bounded queue refuses what it cannot serve in time. The caller knows at once, can try elsewhere, and the answers that others wait for stay quick, also when three times as much comes as can be computed.',
  'Batches of texts of similar length waste little on padding. Texts of very different lengths do not belong into one batch: the short ones are padded to the longest, and the time for that is spent for nothing. So texts are put together by length, and a batch has a budget of tokens instead of a fixed number of texts.',
]
