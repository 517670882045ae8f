/**
 * The prompt cache of a provider: the beginning of a prompt that was seen a short while ago is cheaper and faster. It is filled
 * when the first token of a call appears, so calls that start together all miss it.
 *
 * Sizes as OpenAI documents them: from 1,024 tokens up, in steps of 128.
 */
import { createHash } from 'node:crypto'

const blockCharacters = 512
const blockTokens = 128
const leastTokens = 1_024
const keptMs = 300_000

export class PromptCache {
  /** From the hash of a beginning to when it is forgotten. */
  readonly #until = new Map<string, number>()

  /** How many tokens at the beginning of the prompt are cached. */
  cached(blocks: readonly string[], now: number): number {
    let known = 0
    while (known < blocks.length && (this.#until.get(blocks[known] as string) ?? 0) > now) known++
    const tokens = known * blockTokens
    return tokens < leastTokens ? 0 : tokens
  }

  fill(blocks: readonly string[], now: number): void {
    for (const block of blocks) this.#until.set(block, now + keptMs)
    if (this.#until.size < 100_000) return
    for (const [block, until] of this.#until) if (until <= now) this.#until.delete(block)
  }
}

/** One hash per block: of everything up to its end. */
export function promptBlocks(prompt: string): string[] {
  const whole = Math.floor(prompt.length / blockCharacters)
  if (whole * blockTokens < leastTokens) return []
  const hash = createHash('sha256')
  return Array.from({ length: whole }, (_, i) =>
    hash
      .update(prompt.slice(i * blockCharacters, (i + 1) * blockCharacters))
      .copy()
      .digest('base64'),
  )
}
