/** Starts the server of the page in a thread of its own, and sends it what it shows. */
import { Worker } from 'node:worker_threads'
import { fileBeside } from '../../base/package-url.ts'
import { errorClass, HeddleError } from '../../base/errors.ts'
import type { ServerSnapshot } from '../../serve/http/watch/snapshot.ts'
import { newToken } from './access.ts'
import type { FromServer, ServerStart, ToServer } from './messages.ts'

const entry = fileBeside(
  import.meta.url,
  import.meta.url.endsWith('.ts') ? '../../../dist/dashboard-server.js' : './dashboard-server.js',
)

export interface DashboardOptions {
  /** A recorded trace; without it, what is sent. */
  readonly file?: string
  /** @default a free one */
  readonly port?: number
}

export interface Dashboard {
  /** The address for a browser, with the token. */
  readonly url: string
  /** More of the recording. */
  send(blocks: readonly Uint8Array[]): void
  /** How a server of models stands, each second: the page is about that server then, and not about a recording. */
  standing(snapshot: ServerSnapshot): void
  /** The recording is over; the page stays. */
  end(): void
  /** Whether it keeps the process alive. At first it does not. */
  keepAlive(keep: boolean): void
  close(): Promise<void>
}

/**
 * @throws {InvalidTrace} when the file is not a trace, or damaged
 * @throws {HeddleError} when the page is missing or the port is taken
 */
export async function openDashboard(options: DashboardOptions = {}): Promise<Dashboard> {
  const start: ServerStart = { file: options.file, port: options.port ?? 0, token: newToken() }
  const worker = new Worker(entry, { name: 'heddle dashboard', workerData: start, execArgv: [] })
  const post = (message: ToServer): void => worker.postMessage(message)
  const url = await ready(worker)
  worker.unref()
  return {
    url,
    send: (blocks) => post({ type: 'blocks', blocks }),
    standing: (snapshot) => post({ type: 'standing', snapshot }),
    end: () => post({ type: 'end' }),
    keepAlive: (keep) => (keep ? worker.ref() : worker.unref()),
    close: async () => void (await worker.terminate()),
  }
}

function ready(worker: Worker): Promise<string> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: FromServer) => {
      if (message.type === 'ready') return resolve(message.url)
      const type = errorClass(message.name ?? '') ?? HeddleError
      reject(new type(message.message, { hint: message.hint }))
    })
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new HeddleError(`The server of the dashboard ended with code ${code}`)))
  })
}
