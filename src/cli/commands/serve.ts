/** `heddle serve`: the models of a module under one address, until a signal; the first lets what is under way be answered, the second ends it at once. */
import { durationMs, type Duration } from '../../base/duration.ts'
import { counted } from '../../base/counted.ts'
import { openDashboard } from '../../dashboard/index.ts'
import { setInterval } from '../../base/globals.js'
import { isService, type RunningServer, type Service } from '../../serve/index.ts'
import type { Invocation } from '../interface/command-spec.ts'
import { exitCodeOf } from '../interface/exit-codes.ts'
import { UsageError } from '../interface/usage-error.ts'
import { drainOnSignal } from '../program/drain-signals.ts'
import { loadModule, programPath } from '../program/load.ts'
import { openBrowser } from '../terminal/open-browser.ts'
import { say } from '../terminal/say.ts'

/** Below the 30 seconds that Kubernetes gives by default, with time to spare. */
const defaultGrace = '25s'
/** Pages ask as often. */
const pageMs = 1_000

export async function command({ positionals, options }: Invocation): Promise<number> {
  const text = (name: string): string | undefined => (typeof options[name] === 'string' ? options[name] : undefined)
  const graceMs = durationOf(text('grace') ?? defaultGrace, 'grace')
  const delayMs = durationOf(text('delay') ?? '0', 'delay')
  const port = portOf(text('port'))
  const json = options['json'] === true
  const service = await serviceOf(positionals[0] as string)
  const host = text('host')
  const log = text('log')
  const server = await service.listen({
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
    ...(log !== undefined && { log }),
    warn: (message) => say(process.stderr, `heddle serve: ${message}`),
  })
  const ended = drainOnSignal((first) => {
    if (first) say(process.stderr, `draining: ${counted(server.underWay, 'request')} under way; again to end at once`)
    return server.close(first ? { grace: graceMs, delay: delayMs } : { grace: 0 })
  })
  if (json) console.log(JSON.stringify({ url: server.url, baseURL: server.baseURL, port: server.port, models: service.models }))
  else say(process.stderr, `${server.baseURL} serves ${service.models.join(', ')}; Ctrl-C ends it`)
  if (server.open && !isLoopback(server.host)) {
    say(process.stderr, `heddle serve: everybody who can reach ${server.host} may ask: there are no keys`)
  }
  if (options['ui'] === true) await showPage(server, options['no-open'] !== true)
  const signal = await Promise.race([ended, server.ready.then(() => undefined)])
  if (signal === undefined) {
    if (json) console.log(JSON.stringify({ ready: true }))
    else say(process.stderr, 'every model is ready')
  }
  const code = exitCodeOf[signal ?? (await ended)]
  // Threads that ignore their end must not keep it.
  process.exit(code)
}

/** The page is answered by a thread of its own, which is told how the server stands each second. */
async function showPage(server: RunningServer, browser: boolean): Promise<void> {
  const dashboard = await openDashboard()
  const tell = (): void => dashboard.standing(server.snapshot())
  tell()
  setInterval(tell, pageMs).unref()
  say(process.stderr, dashboard.url)
  if (browser) openBrowser(dashboard.url)
}

async function serviceOf(file: string): Promise<Service> {
  const { default: found } = await loadModule(programPath(file))
  if (isService(found)) return found
  throw new UsageError(`${file} has no server to run`, {
    hint: 'Its default export has to be what serve() of heddle/serve gives: export default serve({ models: { … } })',
  })
}

const isLoopback = (host: string): boolean => /^127\.|^::1$|^localhost$/.test(host)

function durationOf(text: string, name: string): number {
  const given = /^\d+(\.\d+)?$/.test(text) ? Number(text) : text
  try {
    return durationMs(given as Duration, name)
  } catch {
    throw new UsageError(`Expected --${name} to be a time such as 25s, got ${JSON.stringify(text)}`)
  }
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (text.trim() !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new UsageError(`Expected --port to be a port from 0 to 65535, got ${JSON.stringify(text)}`)
}
