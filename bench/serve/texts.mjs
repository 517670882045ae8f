/** Texts of mixed lengths, as questions, sentences and paragraphs come: half of them short, a tenth long. The same ones for everybody. */

/** Numbers from 0 to 1 that a seed fixes (mulberry32). */
export function random(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const words =
  'the order of last month was delivered late and the invoice says another amount than the page where it was paid so please look at the account and tell us what became of it before the end of the week'.split(
    ' ',
  )

export function texts(count, seed = 1) {
  const next = random(seed)
  return Array.from({ length: count }, () => {
    const kind = next()
    const length = kind < 0.5 ? 4 + next() * 12 : kind < 0.9 ? 16 + next() * 32 : 64 + next() * 60
    return Array.from({ length: Math.floor(length) }, () => words[Math.floor(next() * words.length)]).join(' ')
  })
}
