/**
 * A few lines at the bottom of the terminal that are drawn again and again, while the program's own output scrolls above them.
 *
 * All output of the program goes through here: the lines are taken off, its text is written as it is, and the lines are drawn below. After
 * text that does not end a line nothing is drawn until it does, so that neither ever stands in the other. All of one step is
 * written at once, between the marks of a synchronized update, so that nothing flickers; lines are cut to the width
 * of the terminal, and there are never more than it is high.
 */
import { clipToWidth, displayWidth } from '../../base/display-width.ts'

const beginUpdate = '\u001B[?2026h'
const endUpdate = '\u001B[?2026l'
/** Line by line: erasing everything below the cursor would make some terminals keep it in their scrollback. */
const eraseLineAbove = '\u001B[1A\u001B[2K'

type Write = NodeJS.WriteStream['write']

export class Window {
  readonly #stream: NodeJS.WriteStream
  /** The lines as they were drawn last. */
  #drawn: readonly string[] = []
  /** What is to be drawn as soon as it may be. */
  #lines: readonly string[] = []
  #midLine = false
  readonly #restore: (() => void)[] = []
  readonly #writeRaw: Write

  /** @param streams what the program writes to; those that are terminals are watched */
  constructor(stream: NodeJS.WriteStream, streams: readonly NodeJS.WriteStream[]) {
    this.#stream = stream
    this.#writeRaw = stream.write.bind(stream) as Write
    for (const watched of new Set([stream, ...streams])) if (watched.isTTY) this.#watch(watched)
  }

  draw(lines: readonly string[]): void {
    this.#lines = lines
    if (!this.#midLine) this.#writeRaw(beginUpdate + this.#erase() + this.#render() + endUpdate)
  }

  /** Takes the lines off, and lets go of the streams. */
  close(): void {
    const erase = this.#erase()
    if (erase !== '') this.#writeRaw(beginUpdate + erase + endUpdate)
    if (this.#midLine) this.#writeRaw('\n')
    for (const restore of this.#restore.splice(0)) restore()
  }

  #watch(stream: NodeJS.WriteStream): void {
    const original = stream.write
    const write = original.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean
    const own = (chunk: unknown, ...rest: unknown[]): boolean => {
      const erase = this.#erase()
      if (erase !== '') this.#writeRaw(beginUpdate + erase)
      const result = write(chunk, ...rest)
      const last = typeof chunk === 'string' ? chunk.at(-1) : (chunk as Uint8Array).at(-1)
      if (last !== undefined) this.#midLine = last !== '\n' && last !== 10
      this.#writeRaw((this.#midLine ? '' : this.#render()) + (erase !== '' ? endUpdate : ''))
      return result
    }
    stream.write = own as Write
    this.#restore.push(() => (stream.write = original))
  }

  /** Moves to the first of the drawn lines and erases from there. A narrower terminal has broken them into more rows. */
  #erase(): string {
    if (this.#drawn.length === 0) return ''
    const columns = this.#columns()
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / columns)), 0)
    this.#drawn = []
    return `${eraseLineAbove.repeat(rows)}\r`
  }

  #render(): string {
    const rows = Math.max(1, (this.#stream.rows || 24) - 1)
    const columns = this.#columns()
    this.#drawn = this.#lines.slice(0, rows).map((line) => clipToWidth(line, columns - 1))
    return this.#drawn.map((line) => `${line}\n`).join('')
  }

  #columns(): number {
    return Math.max(2, this.#stream.columns || 80)
  }
}
