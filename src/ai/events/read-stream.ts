/** Reads the answer of an agent to its end, and reports its parts as events. */
import { Cancelled, HeddleError, isError } from '../../base/errors.ts'
import { messageOf } from '../../base/look.js'
import { withoutSecrets } from '../../base/secrets.ts'
import { emit } from './events.ts'

/** A part of `fullStream`. */
export interface SdkPart {
  readonly type: string
  readonly id?: string
  readonly text?: string
  readonly delta?: string
  readonly toolCallId?: string
  readonly toolName?: string
  readonly input?: unknown
  readonly output?: unknown
  readonly error?: unknown
  readonly reason?: unknown
  readonly finishReason?: unknown
  readonly usage?: { readonly inputTokens?: number | undefined; readonly outputTokens?: number | undefined }
}

/** The result of `streamText`. */
export interface SdkStream {
  readonly fullStream: AsyncIterable<SdkPart>
  readonly text: PromiseLike<string>
  readonly output?: PromiseLike<unknown>
}

/** Numbers calls, so that two answers that a provider gave the same id are told apart. */
let calls = 0

/** Gives the text of the last step. @throws what the stream failed with; {Cancelled} when it was aborted */
export async function readStream(stream: SdkStream): Promise<string> {
  let step = 0
  let text = ''
  const call = `c${++calls}`
  const name = (part: SdkPart): string => `${call}-${step}-${part.id ?? ''}`
  // Some providers number the calls of each answer anew.
  const toolCall = (part: SdkPart): string => `${call}-${step}-${part.toolCallId ?? ''}`
  for await (const part of stream.fullStream) {
    switch (part.type) {
      case 'start-step':
        text = ''
        break
      case 'text-delta': {
        const delta = part.text ?? part.delta ?? ''
        text += delta
        emit({ type: 'text', call: name(part), delta })
        break
      }
      case 'reasoning-delta':
        emit({ type: 'reasoning', call: name(part), delta: part.text ?? part.delta ?? '' })
        break
      case 'text-end':
      case 'reasoning-end':
        emit({ type: part.type, call: name(part) })
        break
      case 'tool-call':
        emit({ type: 'tool-start', call: toolCall(part), tool: part.toolName ?? '', input: part.input })
        break
      case 'tool-result':
        emit({ type: 'tool-end', call: toolCall(part), tool: part.toolName ?? '', output: part.output })
        break
      case 'tool-error': {
        const error = withoutSecrets(messageOf(part.error))
        emit({ type: 'tool-failed', call: toolCall(part), tool: part.toolName ?? '', error })
        break
      }
      case 'finish-step':
        emit({ type: 'step', step: ++step, inputTokens: part.usage?.inputTokens, outputTokens: part.usage?.outputTokens })
        break
      case 'error':
        throw isError(part.error)
          ? part.error
          : new HeddleError(`The agent failed: ${messageOf(part.error)}`, { cause: part.error })
      case 'abort':
        throw isError(part.reason) ? part.reason : new Cancelled('The agent was cancelled', { cause: part.reason })
    }
  }
  return text
}
