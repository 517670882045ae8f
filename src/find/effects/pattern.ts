/**
 * Texts of which the source says a part: a template with holes, a path that is joined. A hole holds what stands in it, so that
 * `${id}:tags` and `${id}:names` are known to differ while `${id}` and `${other}` may be the same.
 */
// Two characters that no source has: Unicode leaves them to private use.
const [open, close] = ['\uE000', '\uE001']
const parts = /\uE000[^\uE001]*\uE001|[^\uE000]+/g

/** A part that the source does not say, by the expression that gives it. */
export function hole(source: string): string {
  // Dots and slashes divide places and paths.
  return `${open}${source.replace(/\s+/g, ' ').replace(/[./\\]/g, '·')}${close}`
}

export function hasHoles(text: string): boolean {
  return text.includes(open)
}

/** As a person would write it. */
export function shown(text: string): string {
  return text.replaceAll(open, '${').replaceAll(close, '}')
}

/** Can two texts be the same? */
export function mayBeEqual(a: string, b: string): boolean {
  if (a === b) return true
  if (!hasHoles(a) && !hasHoles(b)) return false
  const [left, right] = [a.match(parts) ?? [], b.match(parts) ?? []]
  for (let i = 0; ; i++) {
    const [x, y] = [left[i], right[i]]
    if (x === y) {
      if (x === undefined) return true
      continue
    }
    // A hole may hold anything, nothing too.
    if (x === undefined || y === undefined) return hasHoles((x ?? y) as string)
    if (hasHoles(x) || hasHoles(y)) return true
    const [short, long, rest] = x.length < y.length ? [x, y, left] : [y, x, right]
    // `key:` and then a hole may be `key:tags`; `key` and then nothing may not.
    return long.startsWith(short) && rest.length > i + 1
  }
}
