/**
 * The samples of a recording: ten times a second, and at the edges of what is recorded, how busy the event loop was, how late the sample came, and who
 * took processor time since the one before.
 */
import { clearTimeout, performance, setTimeout } from '../../base/globals.js'
import { performance as realClock } from 'node:perf_hooks'
import type { TraceTables } from '../model/trace.ts'
import { processorTimes, type Taken } from '../processor/times.ts'

/** Says what `eventLoopUtilization` does in a tenth of its time. Both are not the global's, which tests replace by a clock of their own. */
const eventLoop = realClock.nodeTiming

/** How often the process is looked at; ten times a second is what a page or a terminal can show. */
export const sampleEveryMs = 100
/** Memory in use is read from a file of the system, which takes longer than all the rest of a sample. */
const rssEveryMs = 1_000

/**
 * A recording begins with samples closer together: of a program that lasts half a second five would say little. They come after a twentieth of the
 * time that has passed, so at every moment there are some forty of them.
 */
const firstSampleMs = 20
const passedPerSample = 20
/** When the first run begins and the last one ends, unless a sample was taken just before: what the program does outside is kept apart. */
const edgeSampleMs = 10

const nothingTaken: Taken = { cpuMs: 0, waitMs: 0, busyMs: 0, alive: 0 }

export class Sampler {
  readonly #tables: Pick<TraceTables, 'samples' | 'processors'>
  /** `performance.now()` when the trace began. */
  readonly #origin: number
  #timer: NodeJS.Timeout | undefined
  #sampleDue = 0
  #sampledAt = 0
  #lastIdle = { at: realClock.now(), ms: eventLoop.idleTime }
  #lastCpu = { at: 0, ms: 0 }
  /** What each thread had taken when it was last looked at. */
  readonly #lastTimes = new Map<number, Taken>()
  #lastRss: { readonly at: number; readonly bytes: number }

  /** @param watched somebody looks at the recording while it goes on */
  constructor(tables: Pick<TraceTables, 'samples' | 'processors'>, origin: number, watched: boolean) {
    this.#tables = tables
    this.#origin = origin
    // A recording of less than a second does without, unless somebody watches.
    this.#lastRss = { at: watched ? Number.NEGATIVE_INFINITY : origin, bytes: 0 }
    processorTimes.enter()
    this.#processors()
    this.#coresUsed(origin)
    this.#sampleLater(origin)
  }

  /** A last sample, and no more. */
  end(at: number): void {
    clearTimeout(this.#timer)
    this.#sample(at)
    processorTimes.leave()
  }

  /** The first run begins, or the last one ends: what the program does outside is kept apart. */
  edge(): void {
    const now = performance.now()
    if (now - this.#sampledAt >= edgeSampleMs) this.#sample(now)
  }

  #sampleLater(now: number): void {
    const ms = Math.min(sampleEveryMs, Math.max(firstSampleMs, (now - this.#origin) / passedPerSample))
    this.#sampleDue = now + ms
    this.#timer = setTimeout(() => {
      this.#sample()
      this.#sampleLater(performance.now())
    }, ms).unref()
  }

  #sample(at = performance.now()): void {
    const row = this.#tables.samples.append()
    const columns = this.#tables.samples.columns
    columns.at[row] = at - this.#origin
    columns.busy[row] = this.#loopBusy()
    columns.delayMs[row] = Math.max(0, at - this.#sampleDue)
    this.#sampledAt = at
    columns.rssBytes[row] = this.#rssBytes(at)
    this.#processors(at - this.#origin)
    columns.cores[row] = this.#coresUsed(at)
  }

  /** Writes who has computed since the last time. @param at without it nothing is written: the count begins here */
  #processors(at?: number): void {
    const times = processorTimes.read()
    for (const row of this.#lastTimes.keys()) if (!times.has(row)) this.#lastTimes.delete(row)
    for (const [row, taken] of times) {
      const last = this.#lastTimes.get(row) ?? nothingTaken
      const [cpuMs, waitMs, busyMs] = [taken.cpuMs - last.cpuMs, taken.waitMs - last.waitMs, taken.busyMs - last.busyMs]
      this.#lastTimes.set(row, { ...taken })
      if (at === undefined || (cpuMs <= 0 && waitMs <= 0 && busyMs <= 0 && taken.alive === 0)) continue
      const line = this.#tables.processors.append()
      const columns = this.#tables.processors.columns
      columns.at[line] = at
      columns.row[line] = row
      columns.cpuMs[line] = cpuMs
      columns.waitMs[line] = waitMs
      columns.busyMs[line] = busyMs
      columns.alive[line] = taken.alive
    }
  }

  /** Share of the time since the last sample in which the event loop did not wait for events. */
  #loopBusy(): number {
    const [at, ms] = [realClock.now(), eventLoop.idleTime]
    const [passed, idle] = [at - this.#lastIdle.at, ms - this.#lastIdle.ms]
    this.#lastIdle = { at, ms }
    return passed > 0 ? Math.max(0, 1 - idle / passed) : 0
  }

  #rssBytes(at: number): number {
    if (at - this.#lastRss.at >= rssEveryMs) this.#lastRss = { at, bytes: process.memoryUsage.rss() }
    return this.#lastRss.bytes
  }

  /** Processor time of all threads since the last sample, per time that passed. */
  #coresUsed(at: number): number {
    const ms = processorTimes.processMs
    const used = at > this.#lastCpu.at ? (ms - this.#lastCpu.ms) / (at - this.#lastCpu.at) : 0
    this.#lastCpu = { at, ms }
    return used
  }
}
