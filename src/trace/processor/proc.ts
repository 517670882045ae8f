/** Files below `/proc`, which show what Linux counts. Each is opened once and read again: that takes a tenth of opening it anew. */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'

/** A clock tick of `stat` files: every Linux that Node runs on counts a hundred a second. */
export const tickMs = 10
/** No line that is read here is longer. */
const lineBytes = 1_024

export interface ThreadTime {
  /** On a core. */
  readonly cpuMs: number
  /** Ready to run, and waiting for a core. */
  readonly waitMs: number
}

export interface ProcessTime {
  /** When it began, in milliseconds of a clock that is the same for all processes. */
  readonly bornMs: number
  /** It has ended, and nobody has asked how. */
  readonly ended: boolean
  /** Its first thread is on a core, or ready for one. */
  readonly runnable: boolean
  readonly parent: number
  readonly cpuMs: number
  /** That of its children that have ended, and of theirs. */
  readonly endedMs: number
}

export class ProcFiles {
  readonly #files = new Map<string, number>()
  readonly #buffer = Buffer.allocUnsafe(lineBytes)

  /** Undefined when the thread is gone, or when the system does not count. */
  thread(process: number | 'self', thread: number): ThreadTime | undefined {
    const text = this.#text(threadPath(process, thread))
    const space = text.indexOf(' ')
    if (space < 0) return undefined
    return { cpuMs: Number(text.slice(0, space)) / 1e6, waitMs: Number.parseInt(text.slice(space + 1), 10) / 1e6 }
  }

  process(id: number | 'self'): ProcessTime | undefined {
    const text = this.#text(processPath(id))
    // The name stands in parentheses and may hold anything, also parentheses.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    if (fields.length < 20) return undefined
    const ticks = (from: number): number => (Number(fields[from]) + Number(fields[from + 1])) * tickMs
    return {
      bornMs: Number(fields[19]) * tickMs,
      ended: fields[0] === 'Z',
      runnable: fields[0] === 'R',
      parent: Number(fields[1]),
      cpuMs: ticks(11),
      endedMs: ticks(13),
    }
  }

  /** Time for which the cores of the machine were in use, by anybody; undefined when it is not shown. */
  machineMs(): number | undefined {
    const text = this.#text('/proc/stat')
    if (!text.startsWith('cpu ')) return undefined
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = text
      .slice(4, text.indexOf('\n'))
      .trim()
      .split(/ +/, 8)
      .map(Number)
    return (user + nice + system + irq + softirq + steal) * tickMs
  }

  /** Whether a thread of this process has started a process that is still there; undefined where the system does not say (`CONFIG_PROC_CHILDREN`). */
  hasChildren(threads: Iterable<number>): boolean | undefined {
    for (const thread of threads) {
      try {
        const path = `/proc/self/task/${thread}/children`
        // That of this thread is read again by the next recording; those of others would hold a file each.
        const text = thread === process.pid ? this.#text(path) : readFileSync(path, 'latin1')
        if (text !== '') return true
        if (thread === process.pid && !this.#files.has(path)) return undefined
      } catch {
        // A thread that has just ended has no file.
      }
    }
    return false
  }

  /** The threads of this process, or all processes. */
  numbers(folder: '/proc' | '/proc/self/task'): number[] {
    try {
      return readdirSync(folder).map(Number).filter(Number.isInteger)
    } catch {
      return []
    }
  }

  forget(path: string): void {
    const file = this.#files.get(path)
    if (file === undefined) return
    closeSync(file)
    this.#files.delete(path)
  }

  close(): void {
    for (const path of this.#files.keys()) this.forget(path)
  }

  #text(path: string): string {
    try {
      let file = this.#files.get(path)
      if (file === undefined) this.#files.set(path, (file = openSync(path, 'r')))
      return this.#buffer.toString('latin1', 0, readSync(file, this.#buffer, 0, lineBytes, 0))
    } catch {
      this.forget(path)
      return ''
    }
  }
}

export const threadPath = (process: number | 'self', thread: number): string => `/proc/${process}/task/${thread}/schedstat`
export const processPath = (id: number | 'self'): string => `/proc/${id}/stat`
