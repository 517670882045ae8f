/** What a command writes, line by line with the name of the command in front, as `make --output-sync` and turbo show it. */
import type { Readable } from 'node:stream'

/** Longer lines are cut into pieces. */
const lineMax = 16_384
const colors = [36, 33, 32, 35, 34, 31] as const
let widest = 0
let used = 0

/** The mark before each line of one command; names of one length stand in one column. */
export function prefixFor(name: string): (stream: NodeJS.WriteStream) => string {
  const color = colors[used++ % colors.length]
  const label = name.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]+/gu, ' ')
  widest = Math.min(24, Math.max(widest, label.length))
  return (stream) => {
    const text = `${label.padEnd(widest)} |`
    return takesColor(stream) ? `\u001B[${color}m${text}\u001B[39m ` : `${text} `
  }
}

/** `NO_COLOR` and `FORCE_COLOR` win over what the stream is (no-color.org). */
export function takesColor(stream: NodeJS.WriteStream, env = process.env): boolean {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== 'false'
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}

/** The last of what was written, of a bounded length. */
export class Tail {
  readonly #max: number
  #text = ''
  cut = false

  constructor(max: number) {
    this.#max = max
  }

  add(text: string): void {
    this.#text += text
    // Twice as much may stand there, so that not every piece is copied.
    if (this.#text.length > 2 * this.#max) this.#shorten()
  }

  toString(): string {
    if (this.#text.length > this.#max) this.#shorten()
    return this.#text
  }

  #shorten(): void {
    this.#text = this.#text.slice(-this.#max)
    this.cut = true
  }
}

/** Passes the lines of a pipe on as they come. A terminal or file that does not keep up makes the command wait. */
export class Lines {
  readonly #from: Readable
  readonly #to: NodeJS.WriteStream
  readonly #prefix: string
  #rest = ''
  readonly #resume = (): void => void this.#from.resume()

  constructor(from: Readable, to: NodeJS.WriteStream, prefix: string) {
    this.#from = from
    this.#to = to
    this.#prefix = prefix
  }

  add(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() as string
    if (this.#rest.length > lineMax) {
      lines.push(...cut(this.#rest))
      this.#rest = ''
    }
    if (lines.length > 0) this.#write(lines)
  }

  end(): void {
    if (this.#rest !== '') this.#write([this.#rest])
    this.#rest = ''
    this.#to.off('drain', this.#resume)
  }

  #write(lines: readonly string[]): void {
    const text = lines.map((line) => `${this.#prefix}${lastState(line)}\n`).join('')
    if (this.#to.write(text)) return
    this.#from.pause()
    this.#to.once('drain', this.#resume)
  }
}

function cut(line: string): string[] {
  return Array.from({ length: Math.ceil(line.length / lineMax) }, (_, i) => line.slice(i * lineMax, (i + 1) * lineMax))
}

/** What a progress bar draws over itself: its last state is the line. After a carriage return a terminal writes over the line. */
function lastState(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  return text.slice(text.lastIndexOf('\r') + 1)
}
