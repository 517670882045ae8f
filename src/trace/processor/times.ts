/**
 * Processor time of the threads of this process and of its children, and how long they waited for a core.
 *
 * Linux counts both for every thread. What runs no JavaScript that heddle knows (libuv's pool, threads of native modules, V8's own) is
 * summed up as native. Children are found by their parent's number; what ended children took is in this process's own `stat`, also of those
 * that ended before anybody looked. A wait is counted when it is over, so while all cores are in use, a child that is ready to run has waited since it
 * was last looked at. Elsewhere there is the time of the whole process, and how long each event loop was busy.
 *
 * One for all recorders of the process: reading takes about a tenth of a millisecond.
 */
import { clearTimeout, setTimeout } from '../../base/globals.js'
import { availableParallelism } from 'node:os'
import { performance as realClock } from 'node:perf_hooks'
import { executingWorkers } from '../../base/executing.ts'
import { childrenRow, nativeRow, othersRow, threadRow } from './rows.ts'
import { ProcFiles, processPath, type ThreadTime, threadPath, tickMs } from './proc.ts'

/** Milliseconds since somebody began to read. */
export interface Taken {
  /** On a core. */
  cpuMs: number
  /** Ready to run, and waiting for a core. */
  waitMs: number
  /** The event loop was busy; of children, what those took on a core that ended before they were seen. */
  busyMs: number
  /** Of children: how many of this process's own are alive. */
  alive: number
}

/** Two readings this close together are one. */
const sameMs = 2
/** A process without children looks for some this seldom. */
const lookForChildrenMs = 1_000
/**
 * Native threads that took no more since the last reading are looked at one by one this seldom: a look at each costs as much as all the rest. V8's own
 * take some percent of most programs, and wait for nobody.
 */
const nativeLeastMs = 2
const nativeLeastShare = 0.1
const lookAtNativeMs = 1_000
/** Files stay open this long for the next recording: a server that records each request would open them each time. Chosen. */
const keepOpenMs = 1_000
/** The time of a worker that has ended is kept this long, until every recorder has seen it. Chosen; recorders look ten times a second. */
const keepEnded = 10_000
/** More children, and children of those, are not followed one by one. */
const followedMax = 256
/** So much is remembered of processes that are none of ours. */
const strangersMax = 100_000
/** Share of the machine's cores in use from which on a child that is ready to run waits for one. */
const saturated = 0.9
const cores = availableParallelism()

/** Came with Node 23.9. */
const { threadCpuUsage } = process as { threadCpuUsage?: () => NodeJS.CpuUsage }
const msOf = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1_000
const loopBusyMs = (): number => realClock.now() - realClock.nodeTiming.idleTime

/** @internal For its tests; everybody else shares {@link processorTimes}. */
export class ProcessorTimes {
  readonly #keepEndedMs: number
  readonly #proc = new ProcFiles()
  readonly #rows = new Map<number, Taken>()
  /** What each thread had when it was last looked at. */
  readonly #threads = new Map<number, ThreadTime>()
  /** The same of the processes below this one: all of their time, and the waits of their first thread. */
  readonly #children = new Map<number, ThreadTime>()
  readonly #strangers = new Set<number>()
  readonly #loops = new Map<number, number>()
  /** When workers were first seen to have ended, by row. */
  readonly #endedRows = new Map<number, number>()
  #users = 0
  #closing: NodeJS.Timeout | undefined
  /** The age of this process when the first recording began. */
  #beganMs = 0
  #readAt = Number.NEGATIVE_INFINITY
  #lookedForChildrenAt = Number.NEGATIVE_INFINITY
  #lookedAtNativeAt = Number.NEGATIVE_INFINITY
  #nativeSeen = false
  #processMs = 0
  #endedMs = 0
  /** Of all children, those that have ended and those that live. */
  #childrenMs = 0
  #machineMs = 0

  /** Whether threads are counted one by one: on Linux. Else the process is, as a whole. */
  readonly byThread = process.platform === 'linux' && new ProcFiles().thread('self', process.pid) !== undefined

  constructor(keepEndedMs = keepEnded) {
    this.#keepEndedMs = keepEndedMs
  }

  enter(): void {
    if (this.#users++ > 0) return
    clearTimeout(this.#closing)
    this.#beganMs = process.uptime() * 1_000
    this.read()
  }

  leave(): void {
    if (--this.#users > 0) return
    this.#closing = setTimeout(() => this.#proc.close(), keepOpenMs).unref()
    for (const known of [this.#rows, this.#threads, this.#children, this.#strangers, this.#loops, this.#endedRows]) known.clear()
    this.#readAt = this.#lookedForChildrenAt = this.#lookedAtNativeAt = Number.NEGATIVE_INFINITY
    this.#nativeSeen = false
  }

  /** By row; the objects are filled again by the next call. */
  read(): ReadonlyMap<number, Readonly<Taken>> {
    const now = realClock.now()
    if (now - this.#readAt < sameMs) return this.#rows
    const first = this.#rows.size === 0
    const sinceMs = first ? 0 : now - this.#readAt
    this.#readAt = now
    const processMs = msOf(process.cpuUsage())
    const passedMs = first ? 0 : processMs - this.#processMs
    this.#processMs = processMs
    this.#readLoop(0, loopBusyMs(), first)
    for (const [row, worker] of executingWorkers) this.#readLoop(row, worker.busyMs(), first)
    if (this.byThread) this.#readThreads(now, sinceMs, passedMs, first)
    else this.#readProcess(passedMs)
    this.#dropEnded(now)
    return this.#rows
  }

  /** Processor time of this process as of the last reading. */
  get processMs(): number {
    return this.#processMs
  }

  /** A program that replaces workers all day long must not keep a row for each. */
  #dropEnded(now: number): void {
    for (const row of this.#rows.keys()) {
      if (row <= 0 || executingWorkers.has(row)) continue
      const since = this.#endedRows.get(row) ?? now
      this.#endedRows.set(row, since)
      if (now - since < this.#keepEndedMs) continue
      for (const known of [this.#rows, this.#loops, this.#endedRows]) known.delete(row)
    }
  }

  #row(row: number): Taken {
    let taken = this.#rows.get(row)
    if (!taken) this.#rows.set(row, (taken = { cpuMs: 0, waitMs: 0, busyMs: 0, alive: 0 }))
    return taken
  }

  #readLoop(row: number, busyMs: number | undefined, first: boolean): void {
    if (busyMs === undefined) return
    this.#row(row).busyMs += first ? 0 : Math.max(0, busyMs - (this.#loops.get(row) ?? 0))
    this.#loops.set(row, busyMs)
  }

  /** What loops were busy they computed; the rest of the process is native. */
  #readProcess(passedMs: number): void {
    let known = 0
    for (const [row, taken] of this.#rows) {
      if (row < 0) continue
      const before = taken.cpuMs
      taken.cpuMs = row === threadRow && threadCpuUsage ? Math.max(before, msOf(threadCpuUsage())) : taken.busyMs
      known += taken.cpuMs - before
    }
    this.#row(nativeRow).cpuMs += Math.max(0, passedMs - known)
  }

  #readThreads(now: number, sinceMs: number, passedMs: number, first: boolean): void {
    const rowOf = new Map<number, number>([[process.pid, 0]])
    for (const [row, { thread }] of executingWorkers) if (thread !== undefined) rowOf.set(thread, row)
    let ours = 0
    for (const [thread, row] of rowOf) ours += this.#readThread(thread, row, first)
    // From the sum of the process, because that also holds threads that have ended meanwhile.
    const nativeMs = Math.max(0, passedMs - ours)
    this.#row(nativeRow).cpuMs += nativeMs
    // What they waited is not lost: the next look finds it. That the first look comes later saves a recording of milliseconds its dearest part.
    if (first) this.#lookedAtNativeAt = now
    else if (nativeMs >= Math.max(nativeLeastMs, nativeLeastShare * sinceMs) || now - this.#lookedAtNativeAt >= lookAtNativeMs)
      this.#readNative(now, rowOf)
    const machineMs = this.#proc.machineMs() ?? 0
    // The system counts in ticks, of which one on each core may not be over.
    const inUse = machineMs - this.#machineMs + tickMs * cores >= saturated * cores * sinceMs
    const childrenMs = this.#readChildren(now, inUse ? sinceMs : 0, first)
    if (!first) this.#row(othersRow).cpuMs += Math.max(0, machineMs - this.#machineMs - passedMs - childrenMs)
    this.#machineMs = machineMs
  }

  /** Gives what the thread has taken on a core since the last time. */
  #readThread(thread: number, row: number, first: boolean): number {
    const time = this.#proc.thread('self', thread)
    if (!time) return 0
    const { cpuMs, waitMs } = moved(this.#threads, thread, time, first)
    const taken = this.#row(row)
    taken.waitMs += waitMs
    if (row !== nativeRow) taken.cpuMs += cpuMs
    return cpuMs
  }

  /** All other threads of this process, and which of all have ended. */
  #readNative(now: number, rowOf: ReadonlyMap<number, number>): void {
    this.#lookedAtNativeAt = now
    const first = !this.#nativeSeen
    this.#nativeSeen = true
    const threads = new Set(this.#proc.numbers('/proc/self/task'))
    for (const thread of threads) if (!rowOf.has(thread)) this.#readThread(thread, nativeRow, first)
    for (const thread of this.#threads.keys()) {
      if (threads.has(thread)) continue
      this.#threads.delete(thread)
      this.#proc.forget(threadPath('self', thread))
    }
  }

  /**
   * Gives the processor time that all processes below this one have taken since the last time.
   * @param busySinceMs since when all cores were in use, if they were
   */
  #readChildren(now: number, busySinceMs: number, first: boolean): number {
    const self = this.#proc.process('self')
    let totalMs = self?.endedMs ?? 0
    const rowOf = new Map<number, number>()
    for (const [row, { process: id }] of executingWorkers) if (id !== undefined) rowOf.set(id, row)
    const ended = totalMs > this.#endedMs
    this.#endedMs = totalMs
    if (this.#children.size > 0 || ended || rowOf.size > 0 || this.#mayHaveChildren(now)) {
      this.#findChildren(first ? Number.POSITIVE_INFINITY : (self?.bornMs ?? 0) + this.#beganMs - 2 * tickMs)
    }
    let [workersMs, seenMs, alive] = [0, 0, 0]
    for (const id of this.#children.keys()) {
      const time = this.#proc.process(id)
      const wait = this.#proc.thread(id, id)
      if (!time || !wait) {
        this.#forgetChild(id)
        continue
      }
      totalMs += time.cpuMs + time.endedMs
      const before = this.#children.get(id)
      const { cpuMs, waitMs: overMs } = moved(this.#children, id, { cpuMs: time.cpuMs, waitMs: wait.waitMs }, first)
      const pendingMs = time.runnable && before ? Math.max(0, busySinceMs - cpuMs - overMs) : 0
      const waitMs = overMs + pendingMs
      // What is counted now is not counted again when it is over.
      if (pendingMs > 0)
        this.#children.set(id, { cpuMs: time.cpuMs, waitMs: Math.max(wait.waitMs, before?.waitMs ?? 0) + pendingMs })
      const row = rowOf.get(id) ?? childrenRow
      const taken = this.#row(row)
      taken.waitMs += waitMs
      seenMs += cpuMs
      if (row === childrenRow) {
        if (time.parent === process.pid && !time.ended) alive++
        continue
      }
      taken.cpuMs += cpuMs
      workersMs += cpuMs
    }
    // One that ends moves to the account of its parent: the sum stays what it was.
    const passedMs = first ? 0 : Math.max(0, totalMs - this.#childrenMs)
    this.#childrenMs = Math.max(totalMs, first ? 0 : this.#childrenMs)
    const children = this.#row(childrenRow)
    children.cpuMs += Math.max(0, passedMs - workersMs)
    children.busyMs += Math.max(0, passedMs - seenMs)
    children.alive = alive
    return passedMs
  }

  /** Asks once a second: looking at every process of the machine takes milliseconds. */
  #mayHaveChildren(now: number): boolean {
    if (now - this.#lookedForChildrenAt < lookForChildrenMs) return false
    this.#lookedForChildrenAt = now
    return this.#proc.hasChildren(this.#threads.keys()) ?? true
  }

  /** @param olderThanMs those born before have had their time when the recording began */
  #findChildren(olderThanMs: number): void {
    if (this.#strangers.size > strangersMax) this.#strangers.clear()
    // In ascending order, so parents mostly come before their children.
    for (const id of this.#proc.numbers('/proc').sort((a, b) => a - b)) {
      if (id === process.pid || this.#strangers.has(id) || this.#children.has(id)) continue
      const found = this.#proc.process(id)
      if (found && this.#children.size < followedMax && (found.parent === process.pid || this.#children.has(found.parent))) {
        const old = found.bornMs < olderThanMs
        this.#children.set(id, { cpuMs: old ? found.cpuMs : 0, waitMs: (old && this.#proc.thread(id, id)?.waitMs) || 0 })
        if (old) this.#childrenMs += found.cpuMs + found.endedMs
      } else {
        this.#strangers.add(id)
        this.#proc.forget(processPath(id))
      }
    }
  }

  #forgetChild(id: number): void {
    this.#children.delete(id)
    this.#proc.forget(processPath(id))
    this.#proc.forget(threadPath(id, id))
  }
}

/** The time added since the last look; a process that was there before the first has none. */
function moved(known: Map<number, ThreadTime>, id: number, time: ThreadTime, first: boolean): ThreadTime {
  const before = known.get(id)
  known.set(id, time)
  if (first) return { cpuMs: 0, waitMs: 0 }
  return {
    cpuMs: Math.max(0, time.cpuMs - (before?.cpuMs ?? 0)),
    waitMs: Math.max(0, time.waitMs - (before?.waitMs ?? 0)),
  }
}

export const processorTimes = new ProcessorTimes()
