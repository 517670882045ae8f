import { stripVTControlCharacters } from 'node:util'

/** Enough to say anything; what is longer is data. */
const messageMax = 2_000
const control = /(?![\n\t])[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu

/** Without what would drive the terminal or turn text around: messages hold what came from outside. */
export function readable(text: string): string {
  const plain = stripVTControlCharacters(text).replaceAll(control, '')
  return plain.length <= messageMax ? plain : `${plain.slice(0, messageMax)}… (${plain.length - messageMax} more characters)`
}
