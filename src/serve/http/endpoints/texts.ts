/** The `input` of embeddings and classification: one text or a list of them. */
import { BadRequest } from '../../bad-request.ts'
import { lettersPerToken } from './call.ts'

/** @throws {BadRequest} that names the place of what is wrong */
export function textsOf(value: unknown, name: string, most: number): readonly string[] {
  const given: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (given.length === 0)
    throw new BadRequest(`Expected '${name}' to have at least one text, got an empty list.`, { param: name })
  if (given.length > most) {
    throw new BadRequest(`Expected '${name}' to have at most ${most} texts, got ${given.length}.`, {
      param: name,
      reason: 'too_many',
    })
  }
  for (const [i, one] of given.entries()) {
    const at = Array.isArray(value) ? `${name}[${i}]` : name
    if (typeof one === 'number' || Array.isArray(one)) {
      const message = `Expected '${at}' to be text, got tokens: only the model's own tokenizer knows what they mean. Send the text.`
      throw new BadRequest(message, { param: name, reason: 'unsupported_value' })
    }
    if (one === undefined) throw new BadRequest(`Missing required parameter: '${at}'.`, { param: name, reason: 'missing' })
    if (typeof one !== 'string')
      throw new BadRequest(`Expected '${at}' to be text, got ${one === null ? 'null' : typeof one}.`, { param: name })
    if (one === '') throw new BadRequest(`Expected '${at}' to be text that is not empty.`, { param: name })
  }
  return given as readonly string[]
}

export function estimateTexts(value: unknown): number {
  const given: readonly unknown[] = Array.isArray(value) ? value : [value]
  let letters = 0
  for (const one of given) if (typeof one === 'string') letters += one.length
  return Math.max(given.length, Math.ceil(letters / lettersPerToken))
}
