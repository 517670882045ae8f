import { lazily } from './builtin.js'

const util = lazily('node:util')

/** How many columns text takes in a terminal: two for wide letters and emoji, none for marks that join the letter before. */
const wide =
  /^[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|^[\u{1F300}-\u{1F64F}\u{1F680}-\u{1F6FF}\u{1F900}-\u{1F9FF}\u{1FA70}-\u{1FAFF}\u{20000}-\u{3FFFD}]|^\p{Emoji_Presentation}/u
const none = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]$/u
const escape = '\u001B['
const colour = new RegExp(`(${escape.replace('[', '\\[')}[0-9;]*m)`)

export function displayWidth(text: string): number {
  let columns = 0
  for (const letter of util().stripVTControlCharacters(text)) columns += letterWidth(letter)
  return columns
}

function letterWidth(letter: string): number {
  if (letter >= ' ' && letter <= '~') return 1
  if (none.test(letter)) return 0
  return wide.test(letter) ? 2 : 1
}

/** Cuts text to a number of columns and keeps colours whole; `…` shows where something is missing. */
export function clipToWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  let left = Math.max(0, columns - 1)
  let clipped = ''
  for (const part of text.split(colour)) {
    if (part.startsWith(escape)) {
      clipped += part
      continue
    }
    for (const letter of part) {
      const width = letterWidth(letter)
      if (width > left) {
        left = 0
        break
      }
      clipped += letter
      left -= width
    }
  }
  return columns < 1 ? '' : `${clipped}…`
}

export function padToWidth(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)))
}
