/** As much of the AI SDK as agents use: version 6 and 7, imported when an agent first works. */
import type { SdkStream } from '../events/read-stream.ts'

/** A tool of the AI SDK. */
export interface SdkTool {
  readonly description?: string | undefined
  readonly inputSchema?: unknown
  readonly execute?: ((input: never, options: never) => unknown) | undefined
}

/** Tools by name, as the AI SDK takes them. */
export type Tools = Readonly<Record<string, SdkTool>>

/** An agent of the AI SDK, such as `ToolLoopAgent`. */
export interface SdkAgent {
  stream(options: never): PromiseLike<unknown>
  generate(options: never): PromiseLike<unknown>
}

/** What the SDK says of a value against a schema. */
export type Checked = { readonly success: true; readonly value: unknown } | { readonly success: false; readonly error: Error }

export interface Sdk {
  streamText(options: object): SdkStream
  stepCountIs(steps: number): unknown
  hasToolCall(name: string): unknown
  jsonSchema(schema: object): unknown
  asSchema(schema: unknown): { readonly validate?: ((value: unknown) => PromiseLike<Checked> | Checked) | undefined }
  readonly Output: { object(options: object): unknown }
}

export function isSdkAgent(value: unknown): value is SdkAgent {
  const agent = value as Partial<SdkAgent> | null
  return typeof agent === 'object' && agent !== null && typeof agent.stream === 'function' && typeof agent.generate === 'function'
}
