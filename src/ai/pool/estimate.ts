/** How many tokens a call will probably take, and how many it can take at most, before it is sent. */
import { estimateTokens } from '../model/tokens.ts'

export interface Estimate {
  /** Probable input tokens. */
  readonly input: number
  /**
   * An upper bound of them for text: byte-level tokenizers, which all of today's models have, make at most one token of a byte.
   * Images and other files are counted at {@link fileTokens} each, which is a guess.
   */
  readonly inputAtMost: number
}

/** The tokens that a file in a prompt counts as. Most providers bill an image at 85 to 1,600 tokens. */
const fileTokens = 1_600
/** Roles, separators and such, per message; OpenAI's cookbook counts three or four. */
const messageTokens = 4

/** @param parts everything that is sent: prompt, tools, response format */
export function estimateInput(...parts: readonly unknown[]): Estimate {
  const sum = { input: 0, inputAtMost: 0 }
  for (const part of parts) add(part, sum, 0)
  return sum
}

/** Deeper than any message is nested; a circle ends here. */
const deepest = 32

function add(value: unknown, sum: { input: number; inputAtMost: number }, depth: number): void {
  if (typeof value === 'string') {
    sum.input += estimateTokens(value)
    sum.inputAtMost += Buffer.byteLength(value)
  } else if (typeof value === 'number' || typeof value === 'boolean') {
    sum.inputAtMost += String(value).length
  } else if (ArrayBuffer.isView(value) || value instanceof URL) {
    sum.input += fileTokens
    sum.inputAtMost += fileTokens
  } else if (typeof value === 'object' && value !== null && depth < deepest) {
    if (isFile(value)) add(new Uint8Array(), sum, depth)
    else addMembers(value, sum, depth)
  }
}

function addMembers(value: object, sum: { input: number; inputAtMost: number }, depth: number): void {
  if ('role' in value) sum.inputAtMost += 2 * messageTokens
  for (const [key, member] of Object.entries(value)) {
    // Names of fields become text in tool calls and schemas only; they count toward the bound, not the guess.
    if (!Array.isArray(value)) sum.inputAtMost += key.length + 4
    if (key !== 'type' && key !== 'role' && key !== 'providerOptions') add(member, sum, depth + 1)
  }
}

function isFile(value: object): boolean {
  return 'mediaType' in value && 'data' in value
}
