/**
 * Accounts kept on this machine: the first program that needs one serves the others over a socket, and when it ends another takes over. What
 * was granted is not lost with it: every program says what it heard last.
 *
 * The program that serves holds a lock beside the socket, as the writer of a journal does; it falls with its process. So two that see a dead socket cannot
 * take each other's away. Messages are lines of JSON. Neither the server nor a connection keeps its program alive.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { performance } from '../../base/globals.js'
import { HeddleError, JournalRefused, toError } from '../../base/errors.ts'
import type { Hold } from '../../checkpoint/lock.ts'
import { AccountState } from './account-state.ts'
import { type Ask, checkAsk, type Keeper, type Reply } from './exchange.ts'

/** Longer than any message: a sender of more is none of ours. */
const longestLine = 65_536
/** Accounts of one name: a pool has one per model. */
const mostAccounts = 10_000

const now = (): number => performance.timeOrigin + performance.now()

/** Opens the keeper of a name: this program, or the one that serves already. @throws when neither can be had now; try again */
export async function openLocal(name: string): Promise<Keeper> {
  const path = await socketPath(name)
  const client = await dial(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return undefined
    throw error
  })
  if (client) return client
  const { holdLock } = await import('../../checkpoint/lock.ts')
  let lock: Hold
  try {
    lock = await holdLock(path)
  } catch (error) {
    // Somebody is about to serve.
    if (error instanceof JournalRefused) return await dial(path)
    throw error
  }
  try {
    await rm(path, { force: true })
    return await LocalKeeper.serve(path, lock)
  } catch (error) {
    await lock()
    throw error
  }
}

/** In a folder that is the user's own: who can open the socket can use up the account. @throws {HeddleError} when somebody else owns that folder */
async function socketPath(name: string): Promise<string> {
  const id = createHash('sha256').update(name).digest('hex').slice(0, 16)
  if (process.platform === 'win32') return `\\\\.\\pipe\\heddle-limits-${id}`
  const { uid, username } = userInfo()
  const folder = join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), `heddle-limits-${uid === -1 ? username : uid}`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const found = await stat(folder)
  if (found.uid !== uid || (found.mode & 0o022) !== 0)
    throw new HeddleError(
      `The folder ${folder} belongs to somebody else, or others may write there; limits are not shared through it`,
    )
  return join(folder, id)
}

/** The program that serves: asks of its own need no socket. */
class LocalKeeper implements Keeper {
  readonly #accounts = new Map<string, AccountState>()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #lock: Hold

  private constructor(server: Server, lock: Hold) {
    this.#server = server
    this.#lock = lock
  }

  static async serve(path: string, lock: Hold): Promise<LocalKeeper> {
    const server = createServer()
    const keeper = new LocalKeeper(server, lock)
    server.on('connection', (socket) => keeper.#meet(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
    server.unref()
    return keeper
  }

  async exchange(account: string, ask: Ask): Promise<Reply> {
    return this.#exchange(account, ask)
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
    await this.#lock()
  }

  #exchange(account: string, ask: Ask): Reply {
    let state = this.#accounts.get(account)
    if (!state) {
      if (this.#accounts.size >= mostAccounts) throw new TypeError(`More than ${mostAccounts} accounts`)
      this.#accounts.set(account, (state = new AccountState(randomUUID(), now())))
    }
    return state.exchange(ask, now())
  }

  #meet(socket: Socket): void {
    socket.unref()
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    onLines(socket, (line) => {
      const { id, account, ask } = JSON.parse(line) as { id: unknown; account: unknown; ask: unknown }
      if (typeof id !== 'number' || typeof account !== 'string') throw new TypeError('Expected an id and an account')
      socket.write(`${JSON.stringify({ id, reply: this.#exchange(account, checkAsk(ask)) })}\n`)
    })
  }
}

class RemoteKeeper implements Keeper {
  readonly #socket: Socket
  readonly #waiting = new Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>()
  #last = 0

  constructor(socket: Socket) {
    this.#socket = socket
    socket.unref()
    socket.on('error', () => {})
    socket.on('close', () => this.#lost(new HeddleError('The program that kept the limits has ended')))
    onLines(socket, (line) => {
      const { id, reply } = JSON.parse(line) as { id: number; reply: Reply }
      this.#waiting.get(id)?.resolve(reply)
      this.#waiting.delete(id)
    })
  }

  exchange(account: string, ask: Ask): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new HeddleError('The program that kept the limits has ended'))
      const id = ++this.#last
      this.#waiting.set(id, { resolve, reject })
      this.#socket.write(`${JSON.stringify({ id, account, ask })}\n`)
    })
  }

  async close(): Promise<void> {
    this.#socket.destroy()
  }

  #lost(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

function dial(path: string): Promise<Keeper> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(new RemoteKeeper(socket))
    })
  })
}

/** Calls `use` with each line; what it throws ends the connection. */
function onLines(socket: Socket, use: (line: string) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    try {
      if (rest.length > longestLine) throw new TypeError('A line is too long')
      for (const line of lines) use(line)
    } catch (error) {
      socket.destroy(toError(error))
    }
  })
}
