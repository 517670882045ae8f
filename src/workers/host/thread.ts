/** A worker thread as a {@link Link}. */
import { lazily } from '../../base/builtin.js'
import { progress as slot } from '../progress.js'
import type { CancelMessage, ControlMessage, WorkerMessage } from '../protocol.ts'
import { letAnswer } from './native.ts'
import { sourcesEntry, workerEntry } from './entry.ts'
import { offerCells } from '../thread/claims.js'
import { cloneable } from '../../encoding/cloning.js'
import { inheritedFlags } from './exec-argv.ts'
import type { Link, LinkEvents, LinkOptions, Progress } from './link.ts'
import { Pool, type WorkerSettings } from './pool.ts'

const threads = lazily('node:worker_threads')

export function threadPool(settings: WorkerSettings): Pool {
  return new Pool({ name: 'threads', open: openThread, exact: false, ...settings })
}

export function openThread(options: LinkOptions, events: LinkEvents): Link {
  const { MessageChannel, receiveMessageOnPort, Worker } = threads()
  const shared = new SharedArrayBuffer(slot.bytes)
  const cells = new Int32Array(shared, 0, slot.cells)
  const startedAt = new Float64Array(shared, slot.startedAtByte, 1)
  const offers = new Int32Array(new SharedArrayBuffer(offerCells * Int32Array.BYTES_PER_ELEMENT))
  const forks = { cells: offers, idle: options.idle, slots: options.slots }
  // A port of our own beside the worker's: woken through shared memory, it makes a round trip several times shorter.
  const { port1: port, port2: theirPort } = new MessageChannel()
  const { port1: control, port2: theirControl } = new MessageChannel()
  const worker = new Worker(workerEntry(), {
    name: 'heddle',
    workerData: {
      port: theirPort,
      control: theirControl,
      shared,
      startedAtByte: slot.startedAtByte,
      sources: sourcesEntry(),
      forks,
    },
    transferList: [theirPort, theirControl],
    // Loaders of the program's own start-up fail in workers on Node 20; the entry loads TypeScript by itself.
    execArgv: inheritedFlags(),
    ...(options.memoryLimitMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: options.memoryLimitMb } }),
  })
  control.unref()
  const send = (message: ControlMessage): void => {
    control.postMessage(message)
    Atomics.add(cells, slot.attention, 1)
  }
  const ended = letAnswer({ cells, park: () => send({ type: 'park' }) })
  let failure: unknown
  /** A value may be written there that cannot be read here: threads have stacks of different sizes, and deep values need stack. */
  const unread = (error: Error): void => {
    failure = error
    if (events.unread) events.unread(error)
    else void worker.terminate()
  }
  const next = (): { readonly message: unknown } | undefined => {
    for (;;) {
      try {
        return receiveMessageOnPort(port)
      } catch (error) {
        unread(error as Error)
      }
    }
  }
  const drain = (): void => {
    for (let one = next(); one; one = next()) events.message(one.message as WorkerMessage)
  }
  port.on('message', (message: WorkerMessage) => events.message(message))
  port.on('messageerror', unread)
  worker.on('error', (error) => (failure = error))
  // The worker alone keeps the program alive, and says its end also when the port is gone.
  port.unref()
  worker.on('exit', (code) => {
    // Sent before the end, and not yet received.
    drain()
    port.close()
    control.close()
    ended()
    events.exit({ code, reason: reasonOf(code, failure), error: failure })
  })
  return {
    clones: cloneable,
    offers,
    post(message, transfer) {
      if (message.type === 'run') Atomics.store(cells, slot.claims + (message.batch % slot.claimCount), message.batch)
      port.postMessage(message, transfer)
      Atomics.add(cells, slot.posted, 1)
      Atomics.notify(cells, slot.posted)
    },
    attend: (awake) => void Atomics.store(cells, slot.awake, awake ? 1 : 0),
    control: (message: CancelMessage) => send(message),
    poll() {
      drain()
      return true
    },
    progress: (): Progress => ({
      batch: Atomics.load(cells, slot.batch),
      started: Atomics.load(cells, slot.started),
      looping: Atomics.load(cells, slot.looping) === 1,
      startedAt: startedAt[0] as number,
      loading: Atomics.load(cells, slot.loading),
      native: Atomics.load(cells, slot.native) === 1,
    }),
    revoke: (batch) => Atomics.compareExchange(cells, slot.claims + (batch % slot.claimCount), batch, -batch) === batch,
    busyMs: () => worker.performance.eventLoopUtilization().active,
    kill: () => void worker.terminate(),
    end() {
      send({ type: 'end' })
      return true
    },
    answered: () => Atomics.load(cells, slot.answered) === 1,
    ref: () => worker.ref(),
    unref: () => worker.unref(),
  }
}

function reasonOf(code: number, failure: unknown): string {
  if ((failure as { code?: string } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY') return 'out of memory'
  if (failure !== undefined)
    return `an error that nothing caught: ${failure instanceof Error ? failure.message : String(failure)}`
  return `exit code ${code}`
}
