/**
 * A text that matches a regular expression: literals, classes, groups, alternatives and counts. The expression is read, never run: one from a client
 * could take for ever.
 */

/** Repetitions without an upper bound are few. */
const more = 3
const longest = 2_000

/** Undefined for what is not read: look-arounds, back references, properties of Unicode, and texts that would be long. */
export function matching(pattern: string, draw: () => number): string | undefined {
  if (pattern.length > longest) return undefined
  const reader = new Reader(pattern, draw)
  try {
    const text = reader.alternatives(0)
    return reader.done ? text : undefined
  } catch (error) {
    if (error instanceof NotRead) return undefined
    throw error
  }
}

class NotRead extends Error {}

class Reader {
  readonly #pattern: string
  readonly #draw: () => number
  #at = 0
  #written = 0
  #steps = 0

  constructor(pattern: string, draw: () => number) {
    this.#pattern = pattern
    this.#draw = draw
  }

  get done(): boolean {
    return this.#at === this.#pattern.length
  }

  alternatives(depth: number): string {
    if (depth > 20) throw new NotRead()
    const found = [this.#sequence(depth)]
    while (this.#take('|')) found.push(this.#sequence(depth))
    return found[Math.floor(this.#draw() * found.length)] as string
  }

  #sequence(depth: number): string {
    let text = ''
    while (!this.done && !'|)'.includes(this.#pattern[this.#at] as string)) {
      const start = this.#at
      const atom = this.#atom(depth)
      const [least, most] = this.#count()
      const end = this.#at
      const times = least + Math.floor(this.#draw() * (most - least + 1))
      if (times > 0) text += atom
      // Each repetition is drawn anew.
      for (let i = 1; i < times; i++) {
        this.#at = start
        text += this.#atom(depth)
      }
      this.#at = end
    }
    return text
  }

  #atom(depth: number): string {
    if (++this.#steps > longest * 5) throw new NotRead()
    const c = this.#pattern[this.#at++] as string
    if (c === '^' || c === '$') return ''
    if (c === '.') return this.#put('a')
    if (c === '(') {
      if (this.#take('?') && !this.#take(':')) {
        if (!/^<[A-Za-z_]/.test(this.#pattern.slice(this.#at))) throw new NotRead()
        this.#at = this.#pattern.indexOf('>', this.#at) + 1
      }
      const inside = this.alternatives(depth + 1)
      if (!this.#take(')')) throw new NotRead()
      return inside
    }
    if (c === '[') return this.#put(this.#one(this.#class()))
    if (c === '\\') return this.#put(this.#one(this.#escape()))
    if ('*+?{)'.includes(c)) throw new NotRead()
    return this.#put(c)
  }

  #put(character: string): string {
    if (++this.#written > longest) throw new NotRead()
    return character
  }

  #one(characters: string): string {
    if (characters === '') throw new NotRead()
    return characters[Math.floor(this.#draw() * characters.length)] as string
  }

  /** The characters that an escape stands for. */
  #escape(): string {
    const c = this.#pattern[this.#at++]
    if (c === undefined || /[1-9bBpPkuxc]/.test(c)) throw new NotRead()
    return escapes[c] ?? c
  }

  #class(): string {
    const not = this.#take('^')
    let found = ''
    while (!this.#take(']')) {
      if (this.done) throw new NotRead()
      const from = this.#take('\\') ? this.#escape() : (this.#pattern[this.#at++] as string)
      if (from.length === 1 && this.#pattern[this.#at] === '-' && this.#pattern[this.#at + 1] !== ']') {
        this.#at++
        const to = this.#take('\\') ? this.#escape() : (this.#pattern[this.#at++] as string)
        for (let code = from.charCodeAt(0); code <= to.charCodeAt(0) && found.length < 500; code++)
          found += String.fromCharCode(code)
      } else found += from
    }
    return not ? [...printable].filter((one) => !found.includes(one)).join('') : found
  }

  #count(): readonly [least: number, most: number] {
    const braces = /^\{(\d{1,5})(?:(,)(\d{0,5}))?\}/.exec(this.#pattern.slice(this.#at, this.#at + 16))
    let bounds: readonly [number, number] = [1, 1]
    if (braces) {
      this.#at += braces[0].length
      const least = Number(braces[1])
      bounds = [least, braces[2] === undefined ? least : braces[3] ? Math.min(Number(braces[3]), least + more) : least + more]
    } else if (this.#take('*')) bounds = [0, more]
    else if (this.#take('+')) bounds = [1, more]
    else if (this.#take('?')) return [0, 1]
    else return bounds
    this.#take('?')
    return bounds
  }

  #take(c: string): boolean {
    if (this.#pattern[this.#at] !== c) return false
    this.#at++
    return true
  }
}

const letters = 'abcdefghijklmnopqrstuvwxyz'
const printable = `${letters}${letters.toUpperCase()}0123456789 _-.,:/`
const escapes: Readonly<Record<string, string>> = {
  d: '0123456789',
  D: letters,
  w: `${letters}0123456789`,
  W: ' -',
  s: ' ',
  S: letters,
  n: '\n',
  r: '\r',
  t: '\t',
  f: '\f',
  v: '\v',
  0: '\0',
}
