/** JSON and YAML as values that know their line, so that whatever is wrong in a plan can be found. */
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'

export type Scalar = string | number | boolean | null

/** A value of a file. `line` counts from 1. */
export type Located =
  | { readonly kind: 'scalar'; readonly line: number; readonly value: Scalar }
  | { readonly kind: 'list'; readonly line: number; readonly items: readonly Located[] }
  | { readonly kind: 'map'; readonly line: number; readonly entries: ReadonlyMap<string, Located> }

/** Deeper nesting is an attack, not a plan. */
const deepest = 100
/** Nodes that stand there through aliases of YAML, at most; chosen. */
const mostRepeated = 50_000

/** @throws {InvalidPlan} for what is not JSON; with the line */
export function locateJson(text: string, file: string): Located {
  return new JsonReader(text, file).document()
}

class JsonReader {
  readonly #text: string
  readonly #file: string
  #at = 0
  #line = 1

  constructor(text: string, file: string) {
    this.#text = text
    this.#file = file
    if (text.startsWith('\uFEFF')) this.#at = 1
  }

  document(): Located {
    const value = this.#value(0)
    this.#space()
    if (this.#at < this.#text.length) throw this.#wrong('nothing more')
    return value
  }

  #value(depth: number): Located {
    if (depth > deepest) throw this.#wrong(`nothing that is nested deeper than ${deepest}`)
    this.#space()
    const line = this.#line
    const first = this.#text[this.#at]
    if (first === '{') return { kind: 'map', line, entries: this.#entries(depth) }
    if (first === '[') return { kind: 'list', line, items: this.#items(depth) }
    return { kind: 'scalar', line, value: first === '"' ? this.#string() : this.#word() }
  }

  #entries(depth: number): ReadonlyMap<string, Located> {
    const entries = new Map<string, Located>()
    this.#at++
    if (this.#take('}')) return entries
    do {
      this.#space()
      if (this.#text[this.#at] !== '"') throw this.#wrong('a name in double quotes')
      const line = this.#line
      const name = this.#string()
      if (entries.has(name)) throw new InvalidPlan(`The key ${JSON.stringify(name)} is given twice${place(this.#file, line)}`)
      if (!this.#take(':')) throw this.#wrong('":"')
      entries.set(name, this.#value(depth + 1))
    } while (this.#take(','))
    if (!this.#take('}')) throw this.#wrong('"," or "}"')
    return entries
  }

  #items(depth: number): readonly Located[] {
    const items: Located[] = []
    this.#at++
    if (this.#take(']')) return items
    do items.push(this.#value(depth + 1))
    while (this.#take(','))
    if (!this.#take(']')) throw this.#wrong('"," or "]"')
    return items
  }

  #string(): string {
    const from = this.#at++
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at]
      if (character === '\\') this.#at++
      else if (character === '"') {
        const raw = this.#text.slice(from, ++this.#at)
        try {
          return JSON.parse(raw) as string
        } catch {
          throw this.#wrong('text without line breaks and with valid escapes')
        }
      } else if (character === '\n') break
    }
    this.#at = from
    throw this.#wrong('text that ends with a double quote on its line')
  }

  #word(): Scalar {
    const [word = ''] = /^[-+.\w]*/.exec(this.#text.slice(this.#at, this.#at + 64)) ?? []
    if (word === 'true' || word === 'false' || word === 'null' || /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(word)) {
      this.#at += word.length
      return JSON.parse(word) as Scalar
    }
    throw this.#wrong('a value')
  }

  #take(character: string): boolean {
    this.#space()
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #space(): void {
    for (;;) {
      const character = this.#text[this.#at]
      if (character === '\n') this.#line++
      else if (character !== ' ' && character !== '\t' && character !== '\r') return
      this.#at++
    }
  }

  #wrong(expected: string): InvalidPlan {
    const rest = this.#text.slice(this.#at, this.#at + 20).split('\n')[0] ?? ''
    const got = this.#at >= this.#text.length ? 'the file ends' : `it says ${JSON.stringify(rest)}`
    return new InvalidPlan(`Not JSON: expected ${expected}, and ${got}${place(this.#file, this.#line)}`)
  }
}

/** @throws {InvalidPlan} for what is not YAML; with the line */
export async function locateYaml(text: string, file: string): Promise<Located> {
  const { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' })
  const lineOf = (node: { readonly range?: readonly number[] | null | undefined } | null | undefined): number =>
    lines.linePos(node?.range?.[0] ?? 0).line
  const [error] = document.errors
  if (error) throw new InvalidPlan(`Not YAML: ${error.message}${place(file, lines.linePos(error.pos[0]).line)}`)
  let repeated = 0
  const locate = (node: unknown, line: number, depth: number, inAlias = false): Located => {
    // Aliases of aliases grow without end.
    if (depth > deepest || (inAlias && ++repeated > mostRepeated))
      throw new InvalidPlan(`The file is nested too deeply, or repeats itself too often${place(file, line)}`)
    if (isAlias(node)) return locate(node.resolve(document), lineOf(node), depth + 1, true)
    if (isMap(node)) {
      const entries = new Map<string, Located>()
      for (const { key, value } of node.items) {
        const at = lineOf(key as { range?: number[] })
        const name = isScalar(key) ? String(key.value) : String(key)
        entries.set(name, locate(value, at, depth + 1, inAlias))
      }
      return { kind: 'map', line: lineOf(node), entries }
    }
    if (isSeq(node))
      return {
        kind: 'list',
        line: lineOf(node),
        items: node.items.map((item) => locate(item, lineOf(item as { range?: number[] }), depth + 1, inAlias)),
      }
    if (isScalar(node)) {
      const { value } = node
      const plain = typeof value === 'number' || typeof value === 'boolean' || value === null ? value : String(value)
      return { kind: 'scalar', line: node.range ? lineOf(node) : line, value: plain }
    }
    return { kind: 'scalar', line, value: null }
  }
  return locate(document.contents, 1, 0)
}

/** The value of that name; undefined when there is none, and when `node` has no names. */
export function at(node: Located | undefined, name: string): Located | undefined {
  return node?.kind === 'map' ? node.entries.get(name) : undefined
}

export function textOf(node: Located | undefined): string | undefined {
  return node?.kind === 'scalar' && node.value !== null ? String(node.value) : undefined
}

/** One text, or a list of them; anything else in the list is left out. */
export function textsOf(node: Located | undefined): { readonly text: string; readonly line: number }[] {
  const items = node?.kind === 'list' ? node.items : node ? [node] : []
  return items.flatMap((item) => {
    const text = textOf(item)
    return text === undefined ? [] : [{ text, line: item.line }]
  })
}
