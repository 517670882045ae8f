/** What is used of `node-llama-cpp`: an optional peer, loaded inside the replica. */

export interface LlamaModule {
  getLlama(options: object): Promise<Llama>
  readonly LlamaChatSession: new (options: {
    readonly contextSequence: LlamaSequence
    readonly autoDisposeSequence: boolean
  }) => LlamaChatSession
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
export type LlamaSequence = object

export interface LlamaChatSession {
  setChatHistory(history: readonly object[]): void
  promptWithMeta(prompt: string, options: object): Promise<{ readonly stopReason: string }>
  dispose(options: { readonly disposeSequence: boolean }): void
}

export interface PromptOptions {
  readonly signal: AbortSignal
  readonly onTextChunk: (text: string) => void
}
