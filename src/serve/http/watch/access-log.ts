/**
 * The access log: a line of JSON for each request, written in blocks. Writing never holds the thread, and a reader that has stopped (a full disk, a pipe that nobody reads) costs lines, which are counted, and
 * neither memory nor answers.
 */
import { write } from 'node:fs'
import { clearTimeout, setTimeout } from '../../../base/globals.js'
import { peek } from '../../../base/look.js'

/** How long lines are gathered: short for somebody who reads along. Chosen. */
const gatherMs = 100
/** What may wait to be written; chosen. */
const mostBytes = 4 * 2 ** 20
/** A pipe that is full is tried again after this. */
const againMs = 20

export class AccessLog {
  readonly #file: number
  #waiting: Buffer[] = []
  #bytes = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #writing = false
  #idle: (() => void)[] = []
  /** Lines that could not be written. */
  lost = 0

  /** @param file its number, as `openSync` gives it; 1 is stdout */
  constructor(file: number) {
    this.#file = file
  }

  add(entry: object): void {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`)
    if (this.#bytes + line.length > mostBytes) return void this.lost++
    this.#waiting.push(line)
    this.#bytes += line.length
    if (this.#timer === undefined && !this.#writing) this.#wait(gatherMs)
  }

  /** Resolves when everything is written, or `timeoutMs` has passed. */
  async flush(timeoutMs: number): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#writing) this.#write()
    if (this.#bytes === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#idle.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#write()
    }, ms)
    this.#timer.unref()
  }

  #write(): void {
    if (this.#waiting.length === 0) return this.#done()
    const block = Buffer.concat(this.#waiting)
    this.#waiting = [block]
    this.#writing = true
    write(this.#file, block, 0, block.length, null, (error, written) => {
      this.#writing = false
      if (error && peek(error, 'code') === 'EAGAIN') return this.#wait(againMs)
      const left = error ? 0 : block.length - written
      if (error) for (const byte of block) if (byte === 10) this.lost++
      // What came meanwhile stands behind it.
      this.#waiting = [...(left > 0 ? [block.subarray(written)] : []), ...this.#waiting.slice(1)]
      this.#bytes -= block.length - left
      if (this.#waiting.length > 0) this.#write()
      else this.#done()
    })
  }

  #done(): void {
    for (const resolve of this.#idle) resolve()
    this.#idle = []
  }
}
