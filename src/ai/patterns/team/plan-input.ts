/** Where a call or an object ends, however its text comes in pieces; and what the text between the parentheses says. */

/** Goes on where it stopped, in a text whose beginning may be cut off between: positions count from the element's own beginning. */
export type FindEnd = (text: string, last: boolean) => number | undefined

export const closing = {
  /** After the parenthesis that closes the call whose input begins at the beginning of the text. */
  call(): FindEnd {
    const scan = new CallScan()
    return (text, last) => scan.run(text, last)
  },
  /** After the brace that closes the object at the beginning of the text. */
  json(): FindEnd {
    let [at, depth, quoted] = [0, 0, false]
    return (text) => {
      for (; at < text.length; at++) {
        const c = text[at]
        if (quoted) {
          if (c === '\\') {
            if (at + 1 === text.length) return undefined
            at++
          } else if (c === '"') quoted = false
        } else if (c === '"') quoted = true
        else if (c === '{' || c === '[') depth++
        else if ((c === '}' || c === ']') && --depth === 0) return at + 1
      }
      return undefined
    }
  },
}

const closers: Readonly<Record<string, string>> = { '"': '"', "'": "'", '`': '`', '“': '”', '‘': '’', '«': '»' }
/** What an argument can begin after, and what can follow a string that is closed. */
const before = '([{,:=+'
const after = ')]},:=+;'

class CallScan {
  #at = 0
  #depth = 1
  #closer: string | undefined
  #previous = '('

  run(text: string, last: boolean): number | undefined {
    while (this.#at < text.length) {
      const c = text[this.#at] as string
      if (this.#closer !== undefined) {
        const length = stringEnd(text, this.#at, this.#closer, last)
        if (length === 'unknown') return undefined
        if (length === 'inside') this.#at += c === '\\' ? 2 : 1
        else {
          this.#at += length
          this.#closer = undefined
          this.#previous = '"'
        }
        continue
      }
      if (c in closers && before.includes(this.#previous)) {
        // Three quotes must not be read as an empty string.
        if (this.#at + 3 > text.length && !last) return undefined
        this.#closer = text.startsWith(c.repeat(3), this.#at) ? c.repeat(3) : closers[c]
        this.#at += (this.#closer as string).length
        continue
      }
      this.#at++
      if (c === '(') this.#depth++
      else if (c === ')' && --this.#depth === 0) return this.#at
      if (!/\s/.test(c)) this.#previous = c
    }
    return undefined
  }
}

/** How long the quote is that closes the string here; 'inside' where none does, 'unknown' where that depends on text to come. */
function stringEnd(text: string, at: number, closer: string, last: boolean): number | 'inside' | 'unknown' {
  if (text[at] === '\\') return at + 1 < text.length || last ? 'inside' : 'unknown'
  if (text[at] !== closer[0]) return 'inside'
  if (closer.length > 1 && at + closer.length > text.length && !last) return 'unknown'
  if (!text.startsWith(closer, at)) return 'inside'
  const blanks = /\s*/y
  blanks.lastIndex = at + closer.length
  const next = text[blanks.lastIndex + (blanks.exec(text)?.[0].length ?? 0)]
  if (next === undefined) return last ? closer.length : 'unknown'
  return after.includes(next) ? closer.length : 'inside'
}

/** The input that stands between the parentheses: the content of a string, or the text as it is where it is not one string. */
export function literal(inside: string): string {
  const text = inside.trim()
  const first = text[0] ?? ''
  if (!(first in closers)) return text
  const closer = text.startsWith(first.repeat(3)) && text.length >= 6 ? first.repeat(3) : (closers[first] as string)
  for (let at = closer.length; at < text.length;) {
    const length = stringEnd(text, at, closer, true)
    if (typeof length === 'number') return at + length === text.length ? unescaped(text.slice(closer.length, at)) : text
    at += text[at] === '\\' ? 2 : 1
  }
  return text
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' }

/** Escapes as in JSON and JavaScript; a backslash before anything else is one, as in a path or a pattern. */
function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([ntrbf])|(["'`\\/]))/g, (_, code, letter, same) => {
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code as string, 16))
    return letter === undefined ? (same as string) : (escapes[letter as string] as string)
  })
}
