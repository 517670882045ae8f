/** What models of each kind take and give: the forms in which the HTTP server speaks to them, and which adapters of engines have. */

/** What a model is for; a server offers it under the matching address. `'function'`: anything else, as JSON. */
export type ModelKind = 'embeddings' | 'chat' | 'classify' | 'function'

/** One message of a chat. */
export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  readonly content: string
}

/** What a model of the kind `'chat'` is asked. */
export interface ChatRequest {
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
}

/** A piece of the answer of a chat, as it is written. */
export interface ChatPart {
  readonly text: string
}

/** The whole answer of a chat. */
export interface ChatResult {
  readonly text: string
  /** `'length'`: `maxTokens`, or the context, ended it. */
  readonly finish: 'stop' | 'length'
  readonly promptTokens: number
  readonly completionTokens: number
}

/** What a model of the kind `'classify'` gives: the labels with a probability each, the likeliest first. */
export type Classification = readonly { readonly label: string; readonly score: number }[]
