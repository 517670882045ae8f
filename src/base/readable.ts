/**
 * What came from outside, as people may see it: names of tasks and files, messages, codes, hints and traces may hold what a stranger wrote. Whatever
 * heddle itself writes to a terminal or a log passes here, through `say.ts`.
 */

/** Enough to say anything; what is longer is data. */
const messageMax = 2_000
const esc = '\u001B'
/** Sequences of both forms: commands with a text of their own, with numbers, and short ones. */
const escapes = new RegExp(
  [
    `(?:${esc}\\[|\u009B)[0-?]*[ -/]*[@-~]?`,
    `${esc}[\\]PX^_][^\u0007${esc}\u009C]*(?:\u0007|${esc}\\\\|\u009C)?`,
    `${esc}[ -/]*[0-~]?`,
  ].join('|'),
  'g',
)
/** Controls of both sets, and marks that turn text around, hide it or end lines. */
const unsafe = '[\\p{Cc}\\u200B\\u200E\\u200F\\u2028-\\u202E\\u2060\\u2066-\\u2069\\uFEFF]'
const control = new RegExp(`(?![\\n\\t])${unsafe}`, 'gu')
const controlInJson = new RegExp(`(?!\\n)${unsafe}`, 'gu')
/** The colours that `paint.ts` writes. */
const ownColor = new RegExp(`${esc}\\[(?:1|2|22|3[1-6]|39)m`, 'g')
/** Colours may stand before it. */
const commandAtStart = new RegExp(`^((?:${esc}\\[\\d+m|[^\\S\\n])*):(?=:)`, 'gm')

/** Without what would drive the terminal or turn text around, and bounded. */
export function readable(text: string): string {
  // Twice as much is looked at, so that a long run of escapes costs no more than it shows.
  const plain = withoutControls(text.slice(0, 2 * messageMax))
  const left = text.length - 2 * messageMax
  if (plain.length <= messageMax && left <= 0) return plain
  return `${plain.slice(0, messageMax)}… (${Math.max(0, plain.length - messageMax) + Math.max(0, left)} more characters)`
}

/** The same on one line. */
export function readableLine(text: string): string {
  return readable(text).replace(/\s+/g, ' ').trim()
}

/** Text of heddle, which may hold what came from outside: its own colours stay if they are wanted, no other control does. */
export function safeText(text: string, colors: boolean): string {
  if (!colors) return withoutCommands(withoutControls(text))
  let safe = ''
  let end = 0
  for (const found of text.matchAll(ownColor)) {
    safe += withoutControls(text.slice(end, found.index)) + found[0]
    end = found.index + found[0].length
  }
  return withoutCommands(safe + withoutControls(text.slice(end)))
}

function withoutControls(text: string): string {
  return text.replace(escapes, '').replace(control, '')
}

/** GitHub takes a line that begins with `::`, and `##[` anywhere, as a command of the workflow. */
function withoutCommands(text: string): string {
  return text.replace(commandAtStart, '$1: ').replaceAll('##[', '## [')
}

/** JSON as it may stand in a terminal: the same values, with escapes where JSON leaves controls as they are. */
export function safeJsonText(json: string): string {
  return json.replace(controlInJson, unicodeEscape).replaceAll('##[', '##\\u005b')
}

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
