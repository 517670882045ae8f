/**
 * One line of a plan: the beginning of a task, or a remark. A line that has any sign of a task and cannot be read as one is
 * unreadable; so a task is never taken for a remark.
 */

export type Line =
  | { readonly kind: 'call'; readonly id: string; readonly agent: string; /** After the parenthesis. */ readonly at: number }
  | { readonly kind: 'json'; readonly at: number }
  | { readonly kind: 'remark' }
  | { readonly kind: 'unreadable' }

// Everything that can repeat has a bound, so that a line of any length is read in linear time.
const idPattern = String.raw`[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]{0,80}[\p{L}\p{N}_])?`
/** Markdown around a part. */
const marks = '[*`]{0,3}'
const blanks = String.raw`[ \t]{0,8}`
const opening = String.raw`[ \t]*(?:[-*+•][ \t]+)?(?:#{2,6}[ \t]+)?${marks}`
const kinds = '(?:[Ss]tep|STEP|[Tt]ask|TASK|[Ss]ub-?task|[Aa]ction|[Nn]ode)'
const separator = String.raw`(?:\.(?=[ \t*\x60])|(?<=\p{N})\.|:=|->|=>|[):=→]|[-–—](?=[ \t]))`
const label =
  String.raw`(?:${kinds}[ \t]+)?(?:(?:const|let|var)[ \t]+)?` +
  String.raw`(?:[#$]?(?<bare>${idPattern})${marks}${blanks}(?:${separator}${blanks}${marks}){1,2}` +
  String.raw`|(?:\((?<round>${idPattern})\)|\[#?(?<square>${idPattern})\]|\$\{(?<braced>${idPattern})\})${blanks}(?:${separator}${blanks}){0,2})` +
  String.raw`${blanks}${marks}(?:(?:await|call|use|run|invoke)[ \t]+)?${marks}`

/** A number word, a letter or a number after "Step"; or a number by itself. */
const numbered = new RegExp(
  String.raw`^${opening}(?:${kinds}[ \t]+#?(?:\p{N}|\p{L}(?!\p{L})|one|two|three|four|five|six|seven|eight|nine|ten)|[#$([<]?\p{N}[\p{N}.]*[\])>]?${marks}[ \t]*(?:[.:)=→>–—-]|$))`,
  'u',
)
const assignment = new RegExp(String.raw`^${opening}(?:(?:const|let|var)[ \t]+)?\$?\{?${idPattern}\}?[ \t]*:?=(?!=)`, 'u')
const shortLabel = new RegExp(String.raw`^${opening}[#$]?(?:[\p{L}_]*\p{N}[\p{L}\p{N}_]*|\p{L})${marks}[ \t]*[:)]`, 'u')
const field = /^[\s*-]*["']?(?:id|agent|input|needs|tool|args|arguments|depends_on|dependencies)["']?\s*[:=]/i
const callOfText = /[\p{L}\p{N}_]\([ \t]*["'“]/u
const closer = /^[ \t]*[)\]}|]/
const remarkWord =
  /^[\s*_#-]*(?:thoughts?|notes?|reason(?:ing)?|rationale|explanation|comment|remark|observation|goal|question|because)\b/i
const comment = /^[ \t]*(?:#(?!#)|\/\/|--|\/\*|<!--)/
const dash = /^[ \t]*(?:[-–—→]|->)[ \t]/
/** A remark that says what a task waits for would be lost. */
const needing = /\b(?:depend|need|requir|after|once|wait|when)/i
const empty = /^[^\p{L}\p{N}$([{)\]}"'|]*$/u
const fence = /^[ \t]*(?:```|~~~)/
const tag = /^[ \t]*<\/?[\w /-]+>[ \t\r]*$/
/** What may be left of a task whose line was cut: an id, also with the beginning of what follows it, or a bullet. */
const cut = new RegExp(
  String.raw`^${opening}(?:(?:${kinds}[ \t]+)?[#$]?${idPattern}[.-]?${marks}[ \t]*(?:[.:)=][ \t]*${marks}[\p{L}\p{N}_]{0,80})?|[-*+•#]+[ \t]+${marks})$`,
  'u',
)
const goodbye = /^\W*(?:done|end|finished|ok|okay|thanks|that's it)\W*$/i
const jsonInside = /\{\s*"|\[\s*\{/

export class PlanLine {
  readonly #call: RegExp
  readonly #knownCall: RegExp
  readonly #knownLabelled: RegExp
  readonly #labelledInside: RegExp
  readonly #imperative: RegExp
  readonly #isTask: (id: string) => boolean

  /** @param agents by name @param isTask whether the plan has a task of that id so far */
  constructor(agents: readonly string[], isTask: (id: string) => boolean) {
    this.#isTask = isTask
    // The longest first: "search_web" before "search". A plan for no agents has no names to know.
    const known = oneOf(agents)
    const word = String.raw`(?<![\p{L}\p{N}_])`
    this.#call = new RegExp(
      String.raw`${opening}${label}(?<agent>${known}|[\p{L}_][\p{L}\p{N}_.-]{0,80})${marks}${blanks}\(`,
      'uy',
    )
    this.#knownCall = new RegExp(String.raw`${word}${known}${marks}\(`, 'u')
    this.#knownLabelled = new RegExp(String.raw`${word}${anonymous(label)}${known}${marks}[ \t]*\(`, 'u')
    this.#labelledInside = new RegExp(String.raw`\n${opening}${anonymous(label)}${known}${marks}[ \t]*\([^\n]*`, 'u')
    this.#imperative = new RegExp(
      String.raw`^${opening}(?:(?:and|then|next|finally|lastly|first|second|third|now|after that)[,:]?[ \t]+)*${oneOf(agents.filter((name) => name.length > 2))}(?![\p{L}\p{N}_])`,
      'iu',
    )
  }

  /**
   * @param behindTask the line goes on behind a task: a remark needs a dash there, because what else stands there changes the task
   * @param unfinished the plan ends in this line
   */
  read(line: string, behindTask: boolean, unfinished: boolean): Line {
    this.#call.lastIndex = 0
    const call = this.#call.exec(line)
    if (call) {
      const { bare, round, square, braced, agent } = call.groups as Readonly<Record<string, string | undefined>>
      return { kind: 'call', id: (bare ?? round ?? square ?? braced) as string, agent: agent as string, at: call[0].length }
    }
    if (comment.test(line)) return { kind: this.#knownLabelled.test(line) && !/^[ \t]*\/\//.test(line) ? 'unreadable' : 'remark' }
    if (behindTask) {
      const remark = dash.test(line) && !needing.test(line) && !this.#hasSign(line.replace(dash, ''))
      return { kind: remark ? 'remark' : 'unreadable' }
    }
    if (fence.test(line) || tag.test(line) || (empty.test(line) && !unfinished)) return { kind: 'remark' }
    const json = line.search(jsonInside)
    if (json !== -1) {
      const prefix = line.slice(0, json)
      return /^[ \t]*[#\p{N}]*[.)][ \t]*$|^[ \t]*[-*+•][ \t]+$/u.test(prefix) || !this.#hasSign(prefix)
        ? { kind: 'json', at: json }
        : { kind: 'unreadable' }
    }
    const isCut = unfinished && cut.test(line) && !goodbye.test(line)
    return { kind: isCut || this.#hasSign(line) ? 'unreadable' : 'remark' }
  }

  /** The line of a task inside of an input that goes on over several lines: the input was not closed. */
  taskInside(input: string): string | undefined {
    return this.#labelledInside.exec(input)?.[0].trim()
  }

  #hasSign(line: string): boolean {
    if (remarkWord.test(line)) return this.#knownLabelled.test(line)
    return (
      [numbered, assignment, shortLabel, field, callOfText, closer, this.#knownCall, this.#imperative].some((sign) =>
        sign.test(line),
      ) || [...line.matchAll(/\$\{?([\p{L}\p{N}_]+)/gu)].some(([, id]) => this.#isTask(id as string))
    )
  }
}

function oneOf(names: readonly string[]): string {
  if (names.length === 0) return '(?!)'
  const escaped = names
    .toSorted((a, b) => b.length - a.length)
    .map((name) => name.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`))
  return `(?:${escaped.join('|')})`
}

/** The same without names of groups, for use beside others. */
function anonymous(pattern: string): string {
  return pattern.replace(/\(\?<[a-z]+>/g, '(?:')
}

/** What an error shows of a text. */
export function excerpt(text: string): string {
  const line = text.slice(0, 500).trim().replace(/\s+/g, ' ')
  return line.length > 120 ? `${line.slice(0, 120)}…` : line
}
