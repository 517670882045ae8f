/** What models of each kind take and give: the forms in which the HTTP server speaks to them, and which adapters of engines have. */

/** What a model is for; a server offers it under the matching address. `'function'`: anything else, as JSON. */
export type ModelKind = 'embeddings' | 'chat' | 'classify' | 'function'

/**
 * What a model of the kind `'chat'` takes beyond messages of text. `'tools'`: it may answer with calls of tools. `'images'`: its messages may have pictures.
 * `'prompt'`: it continues a text, under `/v1/completions`. A server refuses by name what a model does not say that it takes.
 */
export type ChatAbility = 'tools' | 'images' | 'prompt'

/** One message of a chat. */
export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  /** Its text; empty where an assistant only called tools. */
  readonly content: string
  /** Its pictures in their order, as `data:` URLs. Only for models that accept `'images'`. @default none */
  readonly images?: readonly string[]
  /** Of an assistant: the tools that it called. @default none */
  readonly toolCalls?: readonly ChatToolCall[]
  /** Of a tool: the call whose result this is. */
  readonly toolCallId?: string
}

/** A tool that a model may call. Whoever asks runs it. */
export interface ChatTool {
  readonly name: string
  readonly description?: string
  /** JSON schema of its arguments, an object. @default no arguments */
  readonly parameters?: object
}

/** A call of a tool, in the answer of a model. */
export interface ChatToolCall {
  readonly id: string
  readonly name: string
  /** As JSON. */
  readonly arguments: string
}

/** What a model of the kind `'chat'` is asked. */
export interface ChatRequest {
  /** Empty where there is a `prompt`. */
  readonly messages: readonly ChatMessage[]
  /** How many tokens the answer may have at most. @default what the model has left of its context */
  readonly maxTokens?: number
  /** 0: the likeliest token each time. @default the model's own */
  readonly temperature?: number
  /** Only tokens that together have this probability are drawn from: above 0, up to 1. @default the model's own */
  readonly topP?: number
  /** The answer ends before any of these texts. @default none */
  readonly stop?: readonly string[]
  /** The same seed gives the same answer, as far as the engine can. @default random */
  readonly seed?: number
  /** The answer is JSON of this JSON schema, where the engine can hold it to that. @default free text */
  readonly schema?: object
  /** Tools that it may call; only for models that accept `'tools'`. @default none */
  readonly tools?: readonly ChatTool[]
  /** `'auto'`: the model chooses; `'required'`: it must call one, or the one of that name. @default 'auto' */
  readonly toolChoice?: 'auto' | 'required' | { readonly name: string }
  /** A text to be continued as it is, without a conversation; only for models that accept `'prompt'`. @default none */
  readonly prompt?: string
}

/** A piece of the answer of a chat, as it is written. */
export interface ChatPart {
  readonly text: string
}

/** The whole answer of a chat. */
export interface ChatResult {
  readonly text: string
  /** `'length'`: `maxTokens`, or the context, ended it. `'tool-calls'`: it waits for the results of `toolCalls`. */
  readonly finish: 'stop' | 'length' | 'tool-calls'
  /** @default none */
  readonly toolCalls?: readonly ChatToolCall[]
  readonly promptTokens: number
  readonly completionTokens: number
}

/** What a model of the kind `'classify'` gives: the labels with a probability each, the likeliest first. */
export type Classification = readonly { readonly label: string; readonly score: number }[]
