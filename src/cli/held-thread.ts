/**
 * Ctrl-C for a program that holds its main thread: the listener that drains tasks never gets its turn there, and because there is a
 * listener, the signal does not end the process either. A terminal sends Ctrl-C to all processes in the foreground, so a small one of our
 * own hears it as well, and ends the program when it has not said in time that it heard. (On Windows, where there is no `sh`, it does not.)
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'

/** With what it takes to get there, the program ends within a second. */
const answerSeconds = 0.8

/** Ends with the pipe that it reads from, which is when the program ends. `$1` is the program. */
const script = `
end() {
  trap '' INT
  sleep ${answerSeconds}
  kill -KILL "$1" 2>/dev/null && echo 'ended: synchronous code held the main thread, and it did not hear Ctrl-C' >&2
  exit
}
trap 'end "$1"' INT
read -r _
`

export class HeldThreadGuard {
  readonly #child: ChildProcess | undefined

  constructor() {
    if (process.platform === 'win32') return
    this.#child = spawn('/bin/sh', ['-c', script, 'heddle', String(process.pid)], { stdio: ['pipe', 'ignore', 'inherit'] })
    // A machine without it has no guard.
    this.#child.on('error', () => {})
    this.#child.unref()
    const pipe = this.#child.stdin as Socket | null
    pipe?.on('error', () => {})
    pipe?.unref()
  }

  /** The program heard the signal, or needs no guard any more. */
  stop(): void {
    this.#child?.kill('SIGKILL')
  }
}
