/**
 * The page of `heddle run --ui`: it shows the run while it goes on, and stays until Ctrl-C, since the person who asked for it wants to look at what
 * happened. In CI, where nobody looks, it ends with the run.
 */
import { type Dashboard, openDashboard } from '../../dashboard/index.ts'
import type { TraceSink } from '../../trace/index.ts'
import { openBrowser } from '../terminal/open-browser.ts'
import { paint } from '../terminal/paint.ts'
import { say } from '../terminal/say.ts'
import { interrupted } from './ui.ts'

export class RunPage {
  /** Takes the blocks of the recording. */
  readonly send: TraceSink
  readonly #dashboard: Dashboard
  #left = false

  private constructor(dashboard: Dashboard) {
    this.#dashboard = dashboard
    this.send = (blocks) => dashboard.send(blocks)
  }

  static async open(browser: boolean): Promise<RunPage> {
    const dashboard = await openDashboard()
    say(process.stderr, paint(process.stderr).cyan(dashboard.url))
    if (browser) openBrowser(dashboard.url)
    return new RunPage(dashboard)
  }

  /** The recording is over. */
  end(): void {
    this.#dashboard.end()
  }

  /** Settles at Ctrl-C or SIGTERM. */
  async stay(): Promise<void> {
    if (!this.#begin()) return
    await interrupted(this.#dashboard)
    await this.#dashboard.close()
  }

  /**
   * The same while the process is ending, where nothing can be awaited: this thread sleeps and the thread of the server goes on. Signals then do
   * what they do to every process that does not listen for them.
   */
  stayInPlace(): void {
    if (!this.#begin()) return
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeAllListeners(signal)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }

  #begin(): boolean {
    const { CI } = process.env
    const ci = CI !== undefined && CI !== '' && CI !== 'false'
    if (ci || this.#left) return false
    this.#left = true
    say(process.stderr, '', paint(process.stderr).dim(`the page stays until Ctrl-C: ${this.#dashboard.url}`))
    return true
  }
}
