/**
 * A child process as a {@link Link}: for code that may take the whole process down, as one huge allocation does. Calls travel one
 * at a time, because nobody can see from outside which of several had started when the process died.
 *
 * Arguments and results travel as bytes of our own making: Node's own serialization turns what it does not know into empty objects.
 */
import { clearTimeout, performance, setTimeout } from '../../base/globals.js'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { lazily } from '../../base/builtin.js'
import type { WireError } from '../../encoding/encoded.ts'
import type { ChildMessage, ForkMessage, ResultMessage, RunMessage } from '../protocol.ts'
import { deserialize, findUncloneable, serializable, serialize } from '../../encoding/cloning.js'
import { isPacked } from '../../encoding/texts.js'
import { packError, unserializable } from '../../encoding/errors.js'
import { fromWire } from '../../encoding/from-wire.ts'
import { sourcesEntry, workerEntry } from './entry.ts'
import { inheritedFlags } from './exec-argv.ts'
import type { Link, LinkEvents, LinkOptions, Progress } from './link.ts'
import { Pool, type WorkerSettings } from './pool.ts'

const childProcess = lazily('node:child_process')

/** After its end a process may still have messages in the pipe; a grandchild that keeps the pipe open must not hold us up. */
const lastMessagesMs = 1_000

export function processPool(settings: WorkerSettings): Pool {
  return new Pool({ name: 'processes', open: openProcess, exact: true, ...settings })
}

export function openProcess(options: LinkOptions, events: LinkEvents): Link {
  const sources = sourcesEntry()
  const child = childProcess().fork(fileURLToPath(workerEntry()), [], {
    serialization: 'advanced',
    execArgv: [
      ...inheritedFlags(),
      ...(options.memoryLimitMb === undefined ? [] : [`--max-old-space-size=${options.memoryLimitMb}`]),
    ],
    env: { ...process.env, HEDDLE_SLOTS: String(options.slots), ...(sources !== undefined && { HEDDLE_SOURCES: sources }) },
  })
  endWithThisProcess(child)
  let failure: unknown
  let gone = false
  /** Under way: what cannot be read there is looked for here. */
  const sent = new Map<number, RunMessage>()
  let started: Progress = { batch: 0, started: 0, looping: false, startedAt: 0, loading: -1, native: false }
  const exit = (code: number | undefined, reason: string): void => {
    if (gone) return
    gone = true
    children.delete(child)
    events.exit({ code, reason, error: failure })
  }
  child.on('message', (message: ChildMessage) => {
    if (message.type === 'crashed') failure = fromWire(message.error)
    else if (message.type === 'started')
      started = {
        ...started,
        batch: message.batch,
        started: 1,
        looping: true,
        startedAt: performance.timeOrigin + performance.now(),
      }
    else if (message.type === 'result') {
      if (message.last) sent.delete(message.batch)
      events.message(readable(message))
    } else if (message.type === 'part') events.message({ ...message, value: deserialize(message.value as Uint8Array) })
    else if (message.type === 'fork') events.message({ ...message, items: forkedItems(message) })
    else if (message.type !== 'unreadable') {
      if (message.type === 'load-failed') sent.delete(message.batch)
      events.message(message)
    } else {
      const run = sent.get(message.batch)
      sent.delete(message.batch)
      if (run) events.message(unreadArgument(run, message.error))
    }
  })
  child.on('error', (error) => {
    failure ??= error
    if (child.pid === undefined) exit(undefined, error.message)
  })
  child.on('exit', (code, signal) => {
    const end = (): void => exit(code ?? undefined, signal === null ? `exit code ${code}` : `signal ${signal}`)
    if (!child.channel) return end()
    const timer = setTimeout(end, lastMessagesMs)
    child.once('disconnect', () => {
      clearTimeout(timer)
      end()
    })
  })
  const send = (message: unknown): void => {
    // A child that is gone says so by its exit.
    if (!gone && child.connected) child.send(message as never, () => {})
  }
  return {
    clones: serializable,
    post(message, transfer = []) {
      if (message.type === 'forked') return send({ ...message, values: serialize(message.values) })
      if (message.type === 'broadcast') {
        const { bytes, value } = message
        return send(bytes ? { ...message, bytes: bytes.slice() } : { ...message, value: serialize(value) })
      }
      if (message.type !== 'run') return send(message)
      send({ ...message, items: serialize(message.items) })
      sent.set(message.batch, message)
      // Buffers to be moved are gone from here, as with a thread.
      for (const buffer of transfer) if (buffer instanceof ArrayBuffer) structuredClone(buffer, { transfer: [buffer] })
    },
    attend() {},
    control: send,
    poll: () => false,
    progress: () => started,
    revoke: () => false,
    process: child.pid,
    busyMs: () => undefined,
    kill: () => void child.kill('SIGKILL'),
    end: () => false,
    answered: () => false,
    ref: () => {
      child.ref()
      child.channel?.ref()
    },
    unref: () => {
      child.unref()
      child.channel?.unref()
    },
  }
}

const children = new Set<ChildProcess>()
let endsChildren = false

/** A child that is busy does not notice that its parent has ended. */
function endWithThisProcess(child: ChildProcess): void {
  children.add(child)
  if (endsChildren) return
  endsChildren = true
  process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL')
  })
}

/** What cannot be read here is left to the child that offered it. */
function forkedItems({ items }: ForkMessage): unknown[] {
  try {
    return deserialize(items as Uint8Array) as unknown[]
  } catch {
    return []
  }
}

function readable(message: ResultMessage): ResultMessage {
  try {
    return { ...message, values: deserialize(message.values as Uint8Array) as unknown[] }
  } catch (cause) {
    const error = unserializable('result cannot be read here', 'result', packError(cause))
    const errors = [...(message.errors ?? []), { at: message.from, error, startedAt: 0, settledAt: 0 }]
    return { ...message, values: [], startedAt: undefined, settledAt: undefined, errors }
  }
}

/** The child could not read what it was sent, as with a `WebAssembly.Module`: bytes may be written that nobody can read. */
function unreadArgument({ batch, items, spread, direct }: RunMessage, cause: WireError): ResultMessage {
  const where = (item: unknown): string | undefined =>
    spread
      ? (item as unknown[])
          .map((value, i) => findUncloneable(value, `argument ${i + 1}`, serializable))
          .find((found) => found !== undefined)
      : findUncloneable(item, direct ? 'argument 1' : 'argument', serializable)
  const errors = Array.from(isPacked(items) ? items.ends : (items as ArrayLike<unknown>), (item: unknown, at) => ({
    at,
    error: unserializable(where(item) ?? 'it cannot be read there', 'argument', cause),
    startedAt: 0,
    settledAt: 0,
  }))
  return { ...nothing, batch, errors }
}

const nothing = {
  type: 'result',
  values: [],
  from: 0,
  positions: undefined,
  startedAt: undefined,
  settledAt: undefined,
  skipped: undefined,
  stuck: false,
  last: true,
  busyMs: 0,
  async: false,
} as const
