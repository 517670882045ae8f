/** A worker thread as a {@link Link}. */
import { MessageChannel, Worker } from 'node:worker_threads'
import { type CancelMessage, progress as slot, type WorkerMessage } from '../protocol.ts'
import { sourcesEntry, workerEntry } from './entry.ts'
import type { Link, LinkEvents, LinkOptions, Progress } from './link.ts'

export function openThread(options: LinkOptions, events: LinkEvents): Link {
  const shared = new SharedArrayBuffer(slot.bytes)
  const cells = new Int32Array(shared, 0, slot.cells)
  const startedAt = new Float64Array(shared, slot.startedAtByte, 1)
  const { port1: control, port2: theirs } = new MessageChannel()
  const worker = new Worker(workerEntry(), {
    name: 'heddle',
    workerData: { control: theirs, shared, startedAtByte: slot.startedAtByte, sources: sourcesEntry() },
    transferList: [theirs],
    // Loaders of the program's own start-up fail in workers on Node 20; the entry loads TypeScript by itself.
    execArgv: [],
    ...(options.memoryLimitMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: options.memoryLimitMb } }),
  })
  control.unref()
  let failure: unknown
  worker.on('message', (message: WorkerMessage) => events.message(message))
  worker.on('error', (error) => (failure = error))
  worker.on('exit', (code) => {
    control.close()
    events.exit({ code, reason: reasonOf(code, failure), error: failure })
  })
  return {
    post(message, transfer) {
      if (message.type === 'run') Atomics.store(cells, slot.claims + (message.batch % slot.claimCount), message.batch)
      worker.postMessage(message, transfer)
    },
    control(message: CancelMessage) {
      control.postMessage(message)
      Atomics.add(cells, slot.attention, 1)
    },
    progress: (): Progress => ({
      batch: Atomics.load(cells, slot.batch),
      started: Atomics.load(cells, slot.started),
      looping: Atomics.load(cells, slot.looping) === 1,
      startedAt: startedAt[0] as number,
    }),
    revoke: (batch) => Atomics.compareExchange(cells, slot.claims + (batch % slot.claimCount), batch, -batch) === batch,
    kill: () => void worker.terminate(),
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
