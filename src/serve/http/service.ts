/** `serve()`: models under one address, described in a module that `heddle serve` runs, or started by a program. */
import { closeSync, openSync } from 'node:fs'
import { type Duration, durationMs } from '../../base/duration.ts'
import { toError } from '../../base/errors.ts'
import { performance, setTimeout } from '../../base/globals.js'
import { checkOptions, rules } from '../../base/options.ts'
import { HttpServer } from './server.ts'
import { type ServeOptions, type Settings, settingsOf } from './settings/options.ts'
import { AccessLog } from './watch/access-log.ts'
import type { ServerSnapshot } from './watch/snapshot.ts'

const brand = Symbol.for('heddle.service')

/** Where a server listens, and what it writes. */
export interface ListenOptions {
  /** From 0 to 65,535. @default 0, a free one */
  readonly port?: number
  /** The address to listen on; `'0.0.0.0'` and `'::'` are every network of the machine. @default '127.0.0.1' */
  readonly host?: string
  /** Where the access log is appended, a line of JSON for each request: a file, or `'-'` for stdout. @default none */
  readonly log?: string
  /** Told of each failure of a model, in one line. @default written to stderr */
  readonly warn?: (message: string) => void
}

/** A server that listens. */
export interface RunningServer {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string
  /** What OpenAI-compatible clients take as their base URL: the URL with `/v1`. */
  readonly baseURL: string
  readonly port: number
  readonly host: string
  /** Whether it takes requests without a key. */
  readonly open: boolean
  /** Resolves when every model is loaded and warm; rejects with what loading one threw. Until then `/ready` says 503. */
  readonly ready: Promise<void>
  /** Requests that are being answered. */
  readonly underWay: number
  /** How it stands, for pages and metrics of one's own. */
  snapshot(): ServerSnapshot
  /**
   * Says 503 at `/ready`, answers on for `delay` so that balancers send elsewhere, then answers 503 to what comes, finishes what is under way, and closes
   * the models. What is left after `grace` is broken off. A second call with a shorter grace ends it sooner.
   * @default grace '10s', delay 0
   */
  close(options?: { readonly grace?: Duration; readonly delay?: Duration }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Models that can be served: the default export of a module that `heddle serve` is given. */
export interface Service {
  /** The names of the models. */
  readonly models: readonly string[]
  /**
   * Listens, and begins to load the models.
   * @throws {InvalidOption} also when the port is in use
   */
  listen(options?: ListenOptions): Promise<RunningServer>
}

/**
 * Models under one address, with the API of OpenAI: embeddings, chats, classification, and any function as JSON. It refuses what it cannot
 * answer in time at once, and what it has accepted it answers.
 *
 * @param options the models by name; keys, limits
 * @throws {InvalidOption}
 *
 * @example
 * export default serve({ models: { shout: (text: string) => text.toUpperCase() } })
 */
export function serve(options: ServeOptions): Service {
  const settings = settingsOf(options)
  const service: Service = {
    models: [...settings.models.keys()],
    listen: (where = {}) => listen(settings, where),
  }
  return Object.defineProperty(service, brand, { value: true })
}

/** Whether a value, such as the default export of a module, is what {@link serve} gives, also of another copy of the package. Never throws. */
export function isService(value: unknown): value is Service {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, brand)
}

const port = {
  expected: 'a whole number from 0 to 65535',
  accepts: (v: unknown) => Number.isInteger(v) && (v as number) >= 0 && (v as number) <= 65_535,
}

async function listen(settings: Settings, options: ListenOptions): Promise<RunningServer> {
  checkOptions<ListenOptions>(options, { port, host: rules.string, log: rules.string, warn: rules.function }, 'listen')
  const {
    host = '127.0.0.1',
    log: path,
    warn = (message: string) => void process.stderr.write(`heddle serve: ${message}\n`),
  } = options
  const file = path === undefined ? undefined : path === '-' ? 1 : openSync(path, 'a')
  const log = file === undefined ? undefined : new AccessLog(file)
  const server = new HttpServer(settings, { port: options.port ?? 0, host, log, warn })
  await server.listen()
  const models = [...settings.models.values()]
  const ready = Promise.all(models.map((model) => model.ready())).then(() => server.ready())
  // Who does not look at it sees it at /ready, and here.
  ready.catch((error: unknown) => warn(`a model could not be loaded: ${toError(error).message}`))
  const shownHost = host.includes(':') ? `[${host}]` : host
  const url = `http://${shownHost}:${server.port}`
  let closed: Promise<void> | undefined
  let sooner: () => void = () => undefined
  const close = async (graceMs: number, delayMs: number): Promise<void> => {
    server.leave()
    if (delayMs > 0)
      await new Promise<void>((resolve) => {
        sooner = resolve
        setTimeout(resolve, delayMs)
      })
    const until = performance.now() + graceMs
    await server.drain(graceMs)
    await Promise.all(models.map((model) => model.close({ grace: Math.max(0, until - performance.now()) })))
    await log?.flush(1_000)
    if (file !== undefined && file > 2) closeSync(file)
  }
  const end = ({ grace = '10s', delay = 0 }: { readonly grace?: Duration; readonly delay?: Duration } = {}): Promise<void> => {
    const graceMs = durationMs(grace, 'grace')
    const delayMs = durationMs(delay, 'delay')
    if (closed) {
      sooner()
      void server.drain(graceMs)
    }
    closed ??= close(graceMs, delayMs)
    return closed
  }
  return {
    url,
    baseURL: `${url}/v1`,
    port: server.port,
    host,
    open: server.open,
    ready,
    get underWay() {
      return server.underWay
    },
    snapshot: () => server.snapshot(url),
    close: end,
    [Symbol.asyncDispose]: () => end(),
  }
}
