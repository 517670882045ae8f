import { checkOptions, type OptionRules, rules } from '../../base/options.ts'
import type { Replica } from '../definition.ts'
import type { ChatPart, ChatRequest, ChatResult } from '../kinds.ts'
import { replica } from '../replicas/replicas.ts'
import { type ChatOptions, Writer } from './writer.ts'

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
 * It may call tools, by the function calling of the model's own template where it has one; a call that is demanded (`toolChoice`) is written within a grammar of their schemas, which any model
 * can. Without messages it continues a `prompt`. Requests that do not fit into the context are refused, because the engine would forget their beginning.
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
    accepts: ['tools', 'prompt'],
    slots: sequences,
    open: ({ threads }) => Writer.open(options, threads, sequences),
    stream: (writer: Writer, request: ChatRequest, context) => writer.write(request, context),
    cost: (writer, request) => writer.count(request),
    close: (writer) => writer.close(),
  })
}
