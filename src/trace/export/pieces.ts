/** About as much text as is written at once. */
const pieceLength = 65_536

/** A list in JSON between `begin` and `end`, in pieces: a million tasks make more text than one string holds. */
export function* listInPieces(begin: string, items: Iterable<object>, end: string): Generator<string> {
  let piece = begin
  let separator = ''
  for (const item of items) {
    piece += separator + JSON.stringify(item)
    separator = ',\n'
    if (piece.length > pieceLength) {
      yield piece
      piece = ''
    }
  }
  yield `${piece}\n${end}\n`
}
