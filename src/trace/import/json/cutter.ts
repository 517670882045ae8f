/**
 * Cuts a JSON text that may be larger than the longest string into the elements that matter, as its bytes come.
 *
 * A pattern is a path such as `resourceSpans * scopeSpans * spans *`, where `*` is any place of an array. An object or array that stands at a path is given as a value
 * as soon as it ends, the innermost first, and is `null` in what is around it. So a file of many gigabytes takes the memory of its largest element. Only
 * brackets and strings are looked at here; `JSON.parse` reads the elements, and refuses what is wrong in them.
 */
import { FileRefused } from '../../../base/errors.ts'
import { ByteText } from './byte-text.ts'

export interface Pattern {
  /** Keys from the root, `*` for the elements of an array. The root itself has an empty path. */
  readonly path: readonly string[]
  /** @param offset of its first byte in the file */
  readonly take: (value: unknown, offset: number) => void
}

interface Node {
  readonly children: Map<string, Node>
  pattern: Pattern | undefined
}

/** An element that is being read. */
interface Match {
  readonly pattern: Pattern
  readonly offset: number
  readonly text: ByteText
  /** It holds no other element. */
  readonly leaf: boolean
}

interface Level {
  readonly array: boolean
  readonly node: Node
  readonly match: Match | undefined
}

const quote = 0x22
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
const colon = 0x3a
const comma = 0x2c

const hole = Buffer.from('null')
const bracket = Buffer.from('[')
const separator = Buffer.from(',')
/** How many elements without others inside are parsed at once: a call of `JSON.parse` for each would take a third longer. */
const together = 64

const none: Node = { children: new Map(), pattern: undefined }

export class JsonCutter {
  readonly #root: Node = { children: new Map(), pattern: undefined }
  /** Levels in which a pattern may begin. */
  readonly #levels: Level[] = []
  /** Levels below, in which none may. */
  #below = 0
  readonly #matches: Match[] = []
  /** Texts of elements that ended, used again. */
  readonly #spare: ByteText[] = []
  readonly #leaves = new Leaves()
  /** Bytes of the file before this chunk. */
  #base = 0
  #inString = false
  /** The next byte is escaped: its backslash was the last of a chunk. */
  #escaped = false
  /** The next string of the innermost level is a key. */
  #keyNext = false
  #key: string | undefined
  /** What of a key was in chunks before. */
  readonly #keyText = new ByteText()
  #inKey = false

  constructor(patterns: readonly Pattern[]) {
    for (const pattern of patterns) {
      let node = this.#root
      for (const key of pattern.path) {
        let next = node.children.get(key)
        if (!next) node.children.set(key, (next = { children: new Map(), pattern: undefined }))
        node = next
      }
      node.pattern = pattern
    }
  }

  /** Bytes so far. */
  get offset(): number {
    return this.#base
  }

  /** Where the element that is not complete began; undefined at the end of a whole text. */
  get openSince(): number | undefined {
    return this.#matches.at(-1)?.offset
  }

  /** @throws {FileRefused} with the place of what cannot be JSON */
  write(bytes: Uint8Array): void {
    const end = bytes.length
    // What is before it has been kept, or belongs to no element.
    let from = 0
    let keyFrom = this.#inKey ? 0 : -1
    let inString = this.#inString
    let at = this.#escaped ? 1 : 0
    for (; at < end; at++) {
      let code = bytes[at] as number
      if (inString) {
        while (code !== quote) {
          if (code === backslash) at++
          if (++at >= end) break
          code = bytes[at] as number
        }
        if (at >= end) break
        inString = false
        if (keyFrom >= 0) {
          this.#endKey(bytes, keyFrom, at)
          keyFrom = -1
        }
      } else if (code === quote) {
        inString = true
        if (this.#keyNext && this.#below === 0) {
          this.#inKey = true
          keyFrom = at + 1
        }
      } else if (code === openBrace || code === openBracket) {
        if (this.#below > 0) this.#below++
        else from = this.#open(code === openBracket, bytes, from, at)
      } else if (code === closeBrace || code === closeBracket) {
        if (this.#below > 0) this.#below--
        else from = this.#close(code === closeBracket, bytes, from, at)
      } else if (this.#below === 0) {
        if (code === comma) this.#keyNext = this.#levels.at(-1)?.array === false
        else if (code === colon) this.#keyNext = false
        else if (code > 0x20 && this.#levels.length === 0)
          throw this.#refused(at, 'text that is not an object or an array of JSON')
      }
    }
    this.#escaped = at > end
    this.#inString = inString
    if (this.#inKey) this.#keyText.append(bytes, keyFrom, end)
    this.#matches.at(-1)?.text.append(bytes, from, end)
    this.#base += end
  }

  /** Gives what was complete. The file has ended, whole or not. */
  end(): void {
    this.#leaves.flush()
  }

  #endKey(bytes: Uint8Array, from: number, to: number): void {
    this.#keyText.append(bytes, from, to)
    this.#key = this.#keyText.take()
    this.#inKey = false
    this.#keyNext = false
  }

  /** @returns from where the text belongs to the innermost element */
  #open(array: boolean, bytes: Uint8Array, from: number, at: number): number {
    const around = this.#levels.at(-1)
    const node = around ? (around.node.children.get(around.array ? '*' : (this.#key ?? '')) ?? none) : this.#root
    if (node === none) {
      this.#below = 1
      return from
    }
    let match: Match | undefined
    if (node.pattern) {
      const outer = this.#matches.at(-1)
      if (outer) {
        outer.text.append(bytes, from, at)
        outer.text.append(hole, 0, hole.length)
      }
      match = this.#begin(node, node.pattern, this.#base + at)
      this.#matches.push(match)
      from = at
    }
    this.#levels.push({ array, node, match })
    this.#keyNext = !array
    this.#key = undefined
    return from
  }

  #begin(node: Node, pattern: Pattern, offset: number): Match {
    if (node.children.size === 0) return { pattern, offset, text: this.#leaves.begin(pattern, offset), leaf: true }
    this.#leaves.flush()
    return { pattern, offset, text: this.#spare.pop() ?? new ByteText(), leaf: false }
  }

  #close(array: boolean, bytes: Uint8Array, from: number, at: number): number {
    const level = this.#levels.pop()
    if (!level) throw this.#refused(at, `${array ? ']' : '}'} closes nothing`)
    this.#keyNext = false
    const { match } = level
    if (!match) return from
    this.#matches.pop()
    match.text.append(bytes, from, at + 1)
    if (match.leaf) this.#leaves.ended()
    else {
      this.#leaves.flush()
      const json = match.text.take()
      this.#spare.push(match.text)
      match.pattern.take(parsed(json, match.offset), match.offset)
    }
    return at + 1
  }

  #refused(at: number, what: string): FileRefused {
    return new FileRefused(`byte ${(this.#base + at).toLocaleString('en')}: ${what}`)
  }
}

/** Elements that hold no others, as one text. */
class Leaves {
  readonly #text = new ByteText()
  readonly #offsets: number[] = []
  #starts: number[] = []
  #pattern: Pattern | undefined
  #complete = 0

  begin(pattern: Pattern, offset: number): ByteText {
    if (this.#pattern !== pattern) this.flush()
    this.#pattern = pattern
    this.#text.append(this.#offsets.length === 0 ? bracket : separator, 0, 1)
    this.#starts.push(this.#text.length)
    this.#offsets.push(offset)
    return this.#text
  }

  ended(): void {
    if (++this.#complete === together) this.flush()
  }

  flush(): void {
    const [pattern, complete] = [this.#pattern, this.#complete]
    if (!pattern || complete === 0) return
    // The last one may be torn: it is where the next would begin.
    const cut = this.#starts[complete]
    if (cut !== undefined) this.#text.length = cut - 1
    const json = `${this.#text.take()}]`
    const offsets = this.#offsets.splice(0)
    const starts = this.#starts
    this.#starts = []
    this.#complete = 0
    let values: unknown[]
    try {
      values = JSON.parse(json) as unknown[]
    } catch {
      return eachAlone(pattern, Buffer.from(json), starts, offsets)
    }
    for (let i = 0; i < complete; i++) pattern.take(values[i], offsets[i] as number)
  }
}

/** One of them is wrong: those before it count, and the message has its place. */
function eachAlone(pattern: Pattern, bytes: Buffer, starts: readonly number[], offsets: readonly number[]): void {
  for (const [i, start] of starts.entries()) {
    const json = bytes.toString('utf8', start, (starts[i + 1] ?? bytes.length) - 1)
    const offset = offsets[i] as number
    pattern.take(parsed(json, offset), offset)
  }
}

function parsed(json: string, offset: number): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new FileRefused(`byte ${offset.toLocaleString('en')}: ${(error as Error).message}`, { cause: error })
  }
}
