/**
 * References in the input of a task. `$id` stands for the result of a task, `${id}` for the same with its end marked.
 *
 * Ids may contain dashes and dots, so `$1-5` can mean task `1-5`, or task `1` and then "-5". The longest id that the plan has is
 * meant: `$1-$2` are two tasks. An id ends at the end of a word, so `$10` never means task 1. Other text, such as a sum of money, stays as it is.
 */

/** A place in an input that may refer to a task. */
export interface Mention {
  readonly start: number
  /** The ids that it can mean, the longest first, each with where it would end in the input. */
  readonly candidates: readonly { readonly id: string; readonly end: number }[]
}

const place = /\$(?:\{\s*([^{}\n]+?)\s*\}|([\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_])?))/gu
const money = /^\p{N}+$/u

export function mentionsIn(input: string): readonly Mention[] {
  return [...input.matchAll(place)].map((match) => {
    const start = match.index
    const [whole, braced, bare] = match
    if (braced !== undefined) return { start, candidates: [{ id: braced, end: start + whole.length }] }
    return { start, candidates: prefixesOf(bare as string).map((id) => ({ id, end: start + 1 + id.length })) }
  })
}

/** `a-b.c`, `a-b`, `a`. In `1.50` the dot is a decimal point: `$1.50` does not mean task 1. */
function prefixesOf(token: string): string[] {
  const found = [token]
  for (let end = token.length - 1; end > 0; end--) {
    const prefix = token.slice(0, end)
    if (!/[.-]/.test(token[end] as string) || /[.-]$/.test(prefix)) continue
    if (!(money.test(prefix) && /^\.\p{N}/u.test(token.slice(end)))) found.push(prefix)
  }
  return found
}

/** The id that a mention means among those that are known; undefined where it is plain text. */
export function meant(mention: Mention, known: (id: string) => boolean): Mention['candidates'][number] | undefined {
  return mention.candidates.find(({ id }) => known(id))
}

/** The input with results in place of `$id`. */
export function fillIn(input: string, known: (id: string) => boolean, results: ReadonlyMap<string, unknown>): string {
  let filled = ''
  let from = 0
  for (const mention of mentionsIn(input)) {
    const found = meant(mention, known)
    if (!found) continue
    filled += input.slice(from, mention.start) + textOf(results.get(found.id))
    from = found.end
  }
  return filled + input.slice(from)
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // A circle, or a bigint.
    return String(value)
  }
}
