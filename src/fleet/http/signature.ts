/** Who has written a message: HMAC-SHA-256 of its time and its text, by a secret that both sides have. An answer is signed together with the question's signature. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { InvalidOption } from '../../base/errors.ts'

export const timeHeader = 'heddle-timestamp'
export const signatureHeader = 'heddle-signature'
/** Of an answer: when the request came and when it was answered, in milliseconds since 1970 of that machine. */
export const clockHeader = 'heddle-clock'

/** A message that is older, or from further in the future, is refused: chosen, as with webhooks. */
const mostAgeMs = 5 * 60_000
/** 128 bits, where it is random. */
const leastSecret = 16

/** @throws {InvalidOption} for a secret that could be guessed */
export function checkSecret(secret: unknown, what: string): string {
  if (typeof secret === 'string' && secret.length >= leastSecret) return secret
  throw new InvalidOption(`Expected \`secret\` of ${what} to be text of at least ${leastSecret} characters`, {
    hint: 'Make one with: openssl rand -hex 32. Keep it in the environment of both sides.',
  })
}

export function signatureOf(secret: string, ...parts: readonly string[]): string {
  return `sha256=${createHmac('sha256', secret).update(parts.join('.')).digest('hex')}`
}

/** In a time that says nothing of where they differ. */
export function isSigned(secret: string, signature: string, ...parts: readonly string[]): boolean {
  const [expected, given] = [signatureOf(secret, ...parts), signature].map((text) => Buffer.from(text)) as [Buffer, Buffer]
  return expected.length === given.length && timingSafeEqual(expected, given)
}

/** @param now milliseconds since 1970, as the text is */
export function isRecent(time: string, now = Date.now()): boolean {
  return /^\d{1,16}$/.test(time) && Math.abs(now - Number(time)) <= mostAgeMs
}
