/** What is used of `node-llama-cpp`: an optional peer, loaded inside the replica. */
import { WorkerStartFailed } from '../../base/errors.ts'

export interface LlamaModule {
  getLlama(options: object): Promise<Llama>
  readonly LlamaChat: new (options: SequenceOptions & { readonly chatWrapper: unknown }) => LlamaChat
  /** How a conversation becomes text for that model. Takes seconds of a core: it tries the templates that it knows against the model's. */
  resolveChatWrapper(model: LlamaModel): unknown
  readonly LlamaCompletion: new (options: SequenceOptions) => LlamaCompletion
}

interface SequenceOptions {
  readonly contextSequence: LlamaSequence
  readonly autoDisposeSequence: boolean
}

export interface Llama {
  loadModel(options: { readonly modelPath: string }): Promise<LlamaModel>
  createGrammarForJsonSchema(schema: object): Promise<unknown>
  dispose(): Promise<void>
}

export interface LlamaModel {
  createContext(options: object): Promise<LlamaContext>
  tokenize(text: string): readonly number[]
  dispose(): Promise<void>
}

export interface LlamaContext {
  getSequence(): LlamaSequence
  dispose(): Promise<void>
}

/** One text under way in a context. */
export interface LlamaSequence {
  /** Tokens that it holds at most. */
  readonly contextSize: number
}

/** What has been said, in the engine's form. */
export type HistoryItem =
  | { readonly type: 'system' | 'user'; readonly text: string }
  | { readonly type: 'model'; readonly response: readonly (string | object)[] }

interface Written {
  readonly metadata: { readonly stopReason: string }
}

export interface LlamaChat {
  generateResponse(history: readonly HistoryItem[], options: object): Promise<LlamaResponse>
  dispose(options: { readonly disposeSequence: boolean }): void
}

export interface LlamaResponse extends Written {
  readonly response: string
  readonly functionCalls?: readonly { readonly functionName: string; readonly params: unknown }[]
}

export interface LlamaCompletion {
  generateCompletionWithMeta(prompt: string, options: object): Promise<Written>
  dispose(options: { readonly disposeSequence: boolean }): void
}

/** @throws {WorkerStartFailed} when the package is missing */
export async function loadModule(given: (() => Promise<unknown>) | undefined): Promise<LlamaModule> {
  const name = 'node-llama-cpp'
  try {
    return (await (given ? given() : import(name))) as LlamaModule
  } catch (cause) {
    throw new WorkerStartFailed(`The package ${name} could not be loaded`, { cause, hint: `Install it: npm install ${name}` })
  }
}
