/** An open model of llama.cpp: answers written at its sequences, several at a time. */
import { randomUUID } from 'node:crypto'
import { InvalidOption, toError } from '../../base/errors.ts'
import { BadRequest } from '../bad-request.ts'
import type { ReplicaContext } from '../definition.ts'
import type { ChatPart, ChatRequest, ChatResult, ChatTool, ChatToolCall } from '../kinds.ts'
import { type Llama, type LlamaContext, type LlamaModel, type LlamaModule, type LlamaSequence, loadModule } from './engine.ts'
import { historyOf } from './history.ts'

/** Options of `chat`. */
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

const defaultContext = 2_048
const defaultMaxTokens = 512
/** Of a template, for each message; chosen. */
const tokensAround = 8

/** How an answer ended. */
interface End {
  readonly stopReason: string
  readonly toolCalls: readonly ChatToolCall[]
  /** What is not shown part by part, because it is no text of the answer. */
  readonly hidden?: string
}

export class Writer {
  readonly #module: LlamaModule
  readonly #llama: Llama
  readonly #model: LlamaModel
  readonly #context: LlamaContext
  readonly #chatWrapper: unknown
  readonly #free: LlamaSequence[]
  readonly #maxTokens: number

  private constructor(module: LlamaModule, llama: Llama, model: LlamaModel, context: LlamaContext, setting: Setting) {
    this.#module = module
    this.#llama = llama
    this.#model = model
    this.#context = context
    // Once: each `LlamaChat` would find it out anew, on the thread that all sequences share.
    this.#chatWrapper = module.resolveChatWrapper(model)
    this.#free = Array.from({ length: setting.sequences }, () => context.getSequence())
    this.#maxTokens = setting.maxTokens
  }

  static async open(options: ChatOptions, threads: number, sequences: number): Promise<Writer> {
    const module = await loadModule(options.engine)
    // Compiling an engine inside a replica would take minutes, and look like a replica that hangs.
    const llama = await module.getLlama({ build: 'never', logLevel: 'error', maxThreads: threads, ...options.llama })
    const model = await llama.loadModel({ modelPath: options.model })
    const context = await model.createContext({ sequences, contextSize: options.context ?? defaultContext, threads })
    return new Writer(module, llama, model, context, { sequences, maxTokens: options.maxTokens ?? defaultMaxTokens })
  }

  count({ messages, prompt, tools }: ChatRequest): number {
    let tokens = this.#tokens(prompt ?? '')
    for (const { content, toolCalls = [] } of messages)
      tokens += this.#tokens(content) + toolCalls.reduce((sum, call) => sum + this.#tokens(call.name + call.arguments), 0)
    return tokens + (tools ? this.#tokens(JSON.stringify(tools)) : 0)
  }

  async *write(request: ChatRequest, { signal }: ReplicaContext): AsyncGenerator<ChatPart, ChatResult, undefined> {
    const promptTokens = this.count(request)
    const sequence = this.#free.pop()
    if (!sequence) throw new InvalidOption('More answers are asked for at once than there are sequences')
    const parts = new Parts()
    const stopped = new AbortController()
    const stop = (): void => stopped.abort()
    signal.addEventListener('abort', stop)
    let written: Promise<End> | undefined
    try {
      this.#checkRoom(request, promptTokens, sequence)
      written = this.#begin(request, sequence, {
        signal: stopped.signal,
        stopOnAbortSignal: true,
        onTextChunk: (text: string) => parts.push(text),
        ...(await this.#sampling(request)),
      })
      written.then(
        () => parts.end(),
        () => parts.end(),
      )
      let text = ''
      for (let part = await parts.next(); part !== undefined; part = await parts.next()) {
        text += part
        yield { text: part }
      }
      const { stopReason, toolCalls, hidden = '' } = await written
      if (signal.aborted) throw signal.reason
      const ended = stopReason === 'maxTokens' ? 'length' : 'stop'
      const calls = toolCalls.reduce((all, call) => all + call.name + call.arguments, hidden)
      return {
        text,
        finish: toolCalls.length > 0 ? 'tool-calls' : ended,
        ...(toolCalls.length > 0 && { toolCalls }),
        promptTokens,
        completionTokens: this.#tokens(text + calls),
      }
    } finally {
      signal.removeEventListener('abort', stop)
      stop()
      // The sequence is free when the engine has let go of it.
      await written?.catch(() => {})
      this.#free.push(sequence)
    }
  }

  /** The engine would forget the beginning of what does not fit, and answer something else. */
  #checkRoom({ messages }: ChatRequest, tokens: number, { contextSize }: LlamaSequence): void {
    const most = contextSize - tokensAround * Math.max(1, messages.length)
    if (tokens < most) return
    const message = `The request has about ${tokens} tokens, and the context of this model holds ${contextSize} with the answer.`
    throw new BadRequest(message, { param: messages.length > 0 ? 'messages' : 'prompt', reason: 'context_length_exceeded' })
  }

  async #sampling({ maxTokens, temperature, topP, seed, stop }: ChatRequest): Promise<object> {
    return {
      maxTokens: maxTokens ?? this.#maxTokens,
      ...(temperature !== undefined && { temperature }),
      ...(topP !== undefined && { topP }),
      ...(seed !== undefined && { seed }),
      ...(stop && stop.length > 0 && { customStopTriggers: stop }),
    }
  }

  async #begin(request: ChatRequest, sequence: LlamaSequence, options: object): Promise<End> {
    const { prompt, messages, tools = [], toolChoice = 'auto', schema } = request
    const setting = { contextSequence: sequence, autoDisposeSequence: false }
    if (prompt !== undefined) {
      const completion = new this.#module.LlamaCompletion(setting)
      try {
        const { metadata } = await completion.generateCompletionWithMeta(prompt, options)
        return { stopReason: metadata.stopReason, toolCalls: [] }
      } finally {
        completion.dispose({ disposeSequence: false })
      }
    }
    const history = historyOf(messages, tools)
    const chat = new this.#module.LlamaChat({ ...setting, chatWrapper: this.#chatWrapper })
    try {
      if (tools.length > 0 && toolChoice !== 'auto') {
        const asked = typeof toolChoice === 'object' ? tools.filter(({ name }) => name === toolChoice.name) : tools
        const grammar = await this.#grammar(callSchema(asked), 'tools')
        // What is written is the call and no text.
        const told = [{ type: 'system', text: toolsText(asked) } as const, ...history]
        const { response, metadata } = await chat.generateResponse(told, { ...options, onTextChunk: undefined, grammar })
        return { stopReason: metadata.stopReason, toolCalls: calledIn(response), hidden: response }
      }
      const functions = Object.fromEntries(
        tools.map(({ name, description, parameters: params }) => [name, { description, ...(params && { params }) }]),
      )
      const { metadata, functionCalls = [] } = await chat.generateResponse(history, {
        ...options,
        ...(tools.length > 0
          ? { functions, documentFunctionParams: true }
          : schema && { grammar: await this.#grammar(schema, 'response_format') }),
      })
      const toolCalls = functionCalls.map(({ functionName, params }) => newCall(functionName, params))
      return { stopReason: metadata.stopReason, toolCalls }
    } finally {
      chat.dispose({ disposeSequence: false })
    }
  }

  async #grammar(schema: object, param: string): Promise<unknown> {
    try {
      return await this.#llama.createGrammarForJsonSchema(schema)
    } catch (cause) {
      throw new BadRequest(`The schema cannot be held by the engine: ${toError(cause).message}`, { param, cause })
    }
  }

  #tokens(text: string): number {
    return text === '' ? 0 : this.#model.tokenize(text).length
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

/** JSON that is a call of one of the tools. */
function callSchema(tools: readonly ChatTool[]): object {
  const calls = tools.map(({ name, parameters }) => ({
    type: 'object',
    properties: { name: { const: name }, arguments: parameters ?? { type: 'object', properties: {} } },
    required: ['name', 'arguments'],
  }))
  return calls.length === 1 ? (calls[0] as object) : { oneOf: calls }
}

function toolsText(tools: readonly ChatTool[]): string {
  const lines = tools.map(
    ({ name, description = '', parameters = {} }) => `${name}: ${description} ${JSON.stringify(parameters)}`,
  )
  return `Answer with a call of one of these tools, as JSON with "name" and "arguments":\n${lines.join('\n')}`
}

/** Cut off by `maxTokens`, it is no call. */
function calledIn(response: string): readonly ChatToolCall[] {
  try {
    const { name, arguments: args } = JSON.parse(response) as { readonly name: string; readonly arguments: unknown }
    return [newCall(name, args)]
  } catch {
    return []
  }
}

function newCall(name: string, args: unknown): ChatToolCall {
  return { id: `call_${randomUUID().replaceAll('-', '')}`, name, arguments: JSON.stringify(args ?? {}) }
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
