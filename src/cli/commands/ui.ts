/** `heddle ui FILE`: shows a recorded run in the browser, until Ctrl-C. */
import { InvalidOption, InvalidTrace } from '../../base/errors.ts'
import { type Dashboard, openDashboard } from '../../dashboard/index.ts'
import { asOwnFile, isForeign } from '../program/foreign-trace.ts'
import type { Invocation } from '../interface/command-spec.ts'
import { exitCodes } from '../interface/exit-codes.ts'
import { openBrowser } from '../terminal/open-browser.ts'
import { forbidColor, paint } from '../terminal/paint.ts'
import { say } from '../terminal/say.ts'
import { UsageError } from '../interface/usage-error.ts'

export async function command({ positionals, options }: Invocation): Promise<number> {
  if (options['no-color'] === true) forbidColor()
  return showFile(positionals[0] ?? '', { port: portOf(options.port), open: options['no-open'] !== true })
}

/** The address goes to stdout, since it is the result; the page stays until Ctrl-C. */
export async function showFile(
  file: string,
  { port, open }: { readonly port?: number | undefined; readonly open: boolean },
): Promise<number> {
  const dashboard = await openFile(file, port)
  say(process.stdout, dashboard.url)
  say(process.stderr, paint(process.stderr).dim(`${file}: Ctrl-C closes the page`))
  if (open) openBrowser(dashboard.url)
  const code = await interrupted(dashboard)
  await dashboard.close()
  return code
}

/** Waits for Ctrl-C or SIGTERM: gives the exit code of either. */
export function interrupted(dashboard: Dashboard): Promise<number> {
  dashboard.keepAlive(true)
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve(exitCodes.interrupted))
    process.once('SIGTERM', () => resolve(exitCodes.terminated))
  })
}

async function openFile(file: string, port: number | undefined): Promise<Dashboard> {
  try {
    const own = isForeign(file) ? await asOwnFile(file) : file
    return await openDashboard({ file: own, ...(port !== undefined && { port }) })
  } catch (error) {
    if (error instanceof InvalidOption) throw new UsageError(error.message, { hint: error.hint })
    if (!(error instanceof InvalidTrace)) throw error
    throw new UsageError(error.message.includes(file) ? error.message : `${file}: ${error.message}`, {
      hint: error.hint,
      cause: error,
    })
  }
}

function portOf(text: string | true | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535 && text !== true && text.trim() !== '') return port
  throw new UsageError(`Expected --port to be a whole number from 0 to 65535, got ${JSON.stringify(text)}`)
}
