/** How `heddle run` talks: one reporter per run, chosen by the command line, or by where its output goes. */
import { isatty } from 'node:tty'
import type { Explanation, Recorder } from '../../trace/index.ts'
import { reporters } from './names.ts'
import type { Outcome } from './report-run.ts'

export interface Reporter {
  /** The program is about to be loaded. */
  begin?(recorder: Recorder): void
  /** The program has ended; the recording is complete. Last call. */
  end(explanation: Explanation, outcome: Outcome): void
}

export type ReporterName = (typeof reporters)[number]

/** `default` needs a terminal that can be drawn on; in CI plain lines; where output is piped, only the end. */
export function chooseReporter(
  options: { readonly json: boolean; readonly reporter: string | undefined },
  env = process.env,
): ReporterName {
  if (options.json) return 'json'
  const asked = reporters.find((name) => name === options.reporter)
  if (asked) return asked
  if (env.GITHUB_ACTIONS === 'true') return 'github'
  if (env.CI !== undefined && env.CI !== '' && env.CI !== 'false') return 'stream'
  return isatty(2) && env.TERM !== 'dumb' ? 'default' : 'minimal'
}

export async function openReporter(name: ReporterName, quiet: boolean): Promise<Reporter> {
  if (quiet && name !== 'json') return new (await import('./minimal.ts')).MinimalReporter(true)
  switch (name) {
    case 'default':
      return new (await import('./default.ts')).DefaultReporter()
    case 'stream':
      return new (await import('./stream.ts')).StreamReporter()
    case 'github':
      return new (await import('./github.ts')).GithubReporter()
    case 'json':
      return new (await import('./json.ts')).JsonReporter()
    case 'minimal':
      return new (await import('./minimal.ts')).MinimalReporter(false)
  }
}
