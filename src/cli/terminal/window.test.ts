import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Window } from './window.ts'

const pieces = /(?:\p{Cc}\[\?2026[hl]|\p{Cc}\[1A|\p{Cc}\[2K|\n|\r|[^\p{Cc}]+)/gu

/** What a terminal shows of what was written to it: as much of one as the window needs. */
class Screen {
  readonly #lines = ['']
  #row = 0
  readonly isTTY = true
  readonly rows = 24
  readonly columns = 40

  write = (chunk: string): boolean => {
    for (const [piece] of chunk.matchAll(pieces)) {
      if (piece === '\u001B[1A') this.#row--
      else if (piece === '\u001B[2K') this.#lines[this.#row] = ''
      else if (piece === '\n') this.#lines[++this.#row] ??= ''
      else if (!piece.startsWith('\u001B') && piece !== '\r') this.#lines[this.#row] += piece
    }
    return true
  }

  text(): string {
    return this.#lines.join('\n').trimEnd()
  }
}

test('leaves what the program writes as it is, whenever the window is drawn', () => {
  const text = fc.stringMatching(/^[a-z \n]{0,20}$/)
  const step = fc.oneof(
    text.map((write) => ({ write })),
    fc.array(fc.stringMatching(/^#[a-z]{0,10}$/), { maxLength: 4 }).map((draw) => ({ draw })),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const screen = new Screen()
      const stream = screen as unknown as NodeJS.WriteStream
      const window = new Window(stream, [])
      let written = ''
      for (const one of steps) {
        if ('draw' in one) window.draw(one.draw)
        else {
          stream.write(one.write)
          written += one.write
        }
      }
      window.close()
      expect(screen.text()).toBe(written.trimEnd())
    }),
    { numRuns: 500 },
  )
})
