import { checkOptions, type OptionRules, rules } from '../../base/options.ts'
import { describe, InvalidOption, WorkerStartFailed } from '../../base/errors.ts'
import type { Replica, ReplicaContext } from '../definition.ts'
import type { ChatMessage, ChatPart, ChatRequest, ChatResult } from '../kinds.ts'
import { replica } from '../replicas/replicas.ts'
import type { Llama, LlamaChatSession, LlamaContext, LlamaModel, LlamaModule, LlamaSequence, PromptOptions } from './engine.ts'

/** Options of {@link chat}. */
export interface ChatOptions {
  /** Path of the `.gguf` file. */
  readonly model: string
  /** Tokens of question and answer together, for each sequence. @default 2_048 */
  readonly context?: number
  /** How many answers are written at once: sequences of one context, which the engine computes in one batch. @default 4 */
  readonly sequences?: number
  /** How many tokens an answer has at most where the request does not say. @default 512 */
  readonly maxTokens?: number
  /** Options of `getLlama`, such as `{ gpu: false }`. @default what the engine finds */
  readonly llama?: Readonly<Record<string, unknown>>
  /** Where the engine comes from. @default () => import('node-llama-cpp') */
  readonly engine?: () => Promise<unknown>
}

const chatRules: OptionRules<ChatOptions> = {
  model: rules.string,
  context: rules.whole(64),
  sequences: rules.whole(1),
  maxTokens: rules.whole(1),
  llama: rules.object,
  engine: rules.function,
}

/**
 * A chat model in a GGUF file, by llama.cpp. Needs `node-llama-cpp`. One replica holds the weights once, and writes `sequences` answers at a time, batched by the
 * engine: so a machine wants one replica, unless it has several GPUs. A sequence keeps what it has read, so that the next turn of a conversation is read from where it differs.
 *
 * @throws {InvalidOption} for a wrong option
 * @example
 * export const { smol } = replicas(import.meta.url, { smol: chat({ model: 'models/smollm2.gguf', sequences: 4 }) })
 */
export function chat(options: ChatOptions): Replica<ChatRequest, ChatResult, ChatPart> {
  checkOptions<ChatOptions>(options, chatRules, 'chat')
  const { sequences = 4 } = options
  return replica({
    kind: 'chat',
    slots: sequences,
    open: ({ threads }) => Engine.open(options, threads, sequences),
    stream: (engine: Engine, request: ChatRequest, context) => engine.write(request, context),
    cost: (engine, request) => engine.count(request),
    close: (engine) => engine.close(),
  })
}

const defaultContext = 2_048
const defaultMaxTokens = 512

class Engine {
  readonly #module: LlamaModule
  readonly #llama: Llama
  readonly #model: LlamaModel
  readonly #context: LlamaContext
  readonly #free: LlamaSequence[]
  readonly #maxTokens: number

  private constructor(module: LlamaModule, llama: Llama, model: LlamaModel, context: LlamaContext, setting: Setting) {
    this.#module = module
    this.#llama = llama
    this.#model = model
    this.#context = context
    this.#free = Array.from({ length: setting.sequences }, () => context.getSequence())
    this.#maxTokens = setting.maxTokens
  }

  static async open(options: ChatOptions, threads: number, sequences: number): Promise<Engine> {
    const module = await loadModule(options.engine)
    // Compiling an engine inside a replica would take minutes, and look like a replica that hangs.
    const llama = await module.getLlama({ build: 'never', logLevel: 'error', maxThreads: threads, ...options.llama })
    const model = await llama.loadModel({ modelPath: options.model })
    const context = await model.createContext({ sequences, contextSize: options.context ?? defaultContext, threads })
    return new Engine(module, llama, model, context, { sequences, maxTokens: options.maxTokens ?? defaultMaxTokens })
  }

  count({ messages }: ChatRequest): number {
    let tokens = 0
    for (const { content } of messages) tokens += this.#tokens(content)
    return tokens
  }

  async *write(request: ChatRequest, { signal }: ReplicaContext): AsyncGenerator<ChatPart, ChatResult, undefined> {
    const { history, question } = conversation(request.messages)
    const sequence = this.#free.pop()
    if (!sequence) throw new InvalidOption('More answers are asked for at once than there are sequences')
    const parts = new Parts()
    const stopped = new AbortController()
    const stop = (): void => stopped.abort()
    signal.addEventListener('abort', stop)
    let session: LlamaChatSession | undefined
    let written: Promise<{ readonly stopReason: string }> | undefined
    try {
      session = new this.#module.LlamaChatSession({ contextSequence: sequence, autoDisposeSequence: false })
      session.setChatHistory(history)
      written = this.#prompt(session, request, question, { signal: stopped.signal, onTextChunk: (text) => parts.push(text) })
      written.then(
        () => parts.end(),
        () => parts.end(),
      )
      let text = ''
      for (let part = await parts.next(); part !== undefined; part = await parts.next()) {
        text += part
        yield { text: part }
      }
      const { stopReason } = await written
      if (signal.aborted) throw signal.reason
      const finish = stopReason === 'maxTokens' ? 'length' : 'stop'
      return { text, finish, promptTokens: this.count(request), completionTokens: this.#tokens(text) }
    } finally {
      signal.removeEventListener('abort', stop)
      stop()
      // The sequence is free when the engine has let go of it.
      await written?.catch(() => {})
      session?.dispose({ disposeSequence: false })
      this.#free.push(sequence)
    }
  }

  async #prompt(
    session: LlamaChatSession,
    { maxTokens, temperature, topP, seed, stop, schema }: ChatRequest,
    question: string,
    options: PromptOptions,
  ): Promise<{ readonly stopReason: string }> {
    const grammar = schema && (await this.#llama.createGrammarForJsonSchema(schema))
    return session.promptWithMeta(question, {
      ...options,
      maxTokens: maxTokens ?? this.#maxTokens,
      stopOnAbortSignal: true,
      ...(temperature !== undefined && { temperature }),
      ...(topP !== undefined && { topP }),
      ...(seed !== undefined && { seed }),
      ...(stop && stop.length > 0 && { customStopTriggers: stop }),
      ...(grammar !== undefined && { grammar }),
    })
  }

  #tokens(text: string): number {
    return this.#model.tokenize(text).length
  }

  async close(): Promise<void> {
    await this.#context.dispose()
    await this.#model.dispose()
    await this.#llama.dispose()
  }
}

interface Setting {
  readonly sequences: number
  readonly maxTokens: number
}

/** What was said before, and what is asked now: the last message is the user's. */
function conversation(messages: readonly ChatMessage[]): { readonly history: readonly object[]; readonly question: string } {
  if (!Array.isArray(messages) || messages.length === 0)
    throw new InvalidOption(`Expected \`messages\` to be a list of at least one message, got ${describe(messages)}`)
  const last = messages.at(-1) as ChatMessage
  if (last.role !== 'user') throw new InvalidOption(`Expected the last message to be the user's, got ${describe(last.role)}`)
  const history = messages.slice(0, -1).map(({ role, content }) => {
    if (role === 'assistant') return { type: 'model', response: [content] }
    return role === 'user' || role === 'tool' ? { type: 'user', text: content } : { type: 'system', text: content }
  })
  return { history, question: last.content }
}

/** From the engine's callback to a loop. */
class Parts {
  readonly #parts: string[] = []
  #ended = false
  #wake: (() => void) | undefined

  push(part: string): void {
    this.#parts.push(part)
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async next(): Promise<string | undefined> {
    while (this.#parts.length === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#parts.shift()
  }
}

async function loadModule(given: (() => Promise<unknown>) | undefined): Promise<LlamaModule> {
  const name = 'node-llama-cpp'
  try {
    return (await (given ? given() : import(name))) as LlamaModule
  } catch (cause) {
    throw new WorkerStartFailed(`The package ${name} could not be loaded`, { cause, hint: `Install it: npm install ${name}` })
  }
}
