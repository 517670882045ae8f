/** More different texts than this are task names or messages that never repeat: looking them up would only cost memory. */
const knownMax = 8_192

/** Texts by number, each kept once as far as that pays. Number 0 is the empty text. */
export class Strings {
  readonly list: string[] = ['']
  readonly #known = new Map<string, number>([['', 0]])

  /** @param clean what is kept of a text that is new, which is known by what it was */
  intern(text: string | undefined, clean?: (text: string) => string): number {
    if (text === undefined || text === '') return 0
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const number = this.list.push(clean ? clean(text) : text) - 1
    if (this.#known.size < knownMax) this.#known.set(text, number)
    return number
  }
}
