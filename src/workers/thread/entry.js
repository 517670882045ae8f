// @ts-check
/**
 * Where a worker starts, as a thread or as a child process. It announces itself under a global symbol, so that `workers(…)` in
 * the modules that it loads knows that it is inside a worker.
 */
import { performance } from '../../base/globals.js'
import { readlinkSync } from 'node:fs'
import { isMainThread, receiveMessageOnPort, Worker, workerData } from 'node:worker_threads'
import { progress as cell } from '../progress.js'
import { cloneable, deserialize, serializable, serialize } from '../../encoding/cloning.js'
import { ForkPort } from './fork-port.js'
import { Runner } from './runner.js'
import { packError } from '../../encoding/errors.js'

/** @typedef {import('../protocol.ts').ControlMessage} ControlMessage */

const runner = isMainThread ? startProcess() : startThread()
Object.defineProperty(globalThis, Symbol.for('heddle.thread'), { value: runner })

/**
 * While the host waits awake (host/wait-mode.ts says when), the thread waits this long after a batch for the next one on a shared counter, which
 * wakes it in a fraction of the time that the event loop takes; only while nothing else is under way, and not for longer, because it holds up
 * timers and `console.log`.
 */
const lingerMs = 1
/** However many calls come, the event loop gets its turn this often: a function may have left timers and promises behind. */
const lingerMostMs = 10
/** Before that it looks again and again for this long: being woken on another core costs 30 µs and more on virtual machines. */
const spinMs = 0.05

function startThread() {
  /** @type {{ port: import('node:worker_threads').MessagePort, control: import('node:worker_threads').MessagePort,
   *   shared: SharedArrayBuffer, startedAtByte: number, sources?: string, forks: { cells: Int32Array, idle: Int32Array, slots: number } }} */
  const { port, control, shared, startedAtByte, sources, forks } = workerData
  const progress = new Int32Array(shared, 0, cell.cells)
  const poll = () => {
    const message = /** @type {ControlMessage | undefined} */ (receiveMessageOnPort(control)?.message)
    return message?.type === 'cancel' ? message : message && void controlled(message)
  }
  /** @param {ControlMessage} message */
  const controlled = (message) => {
    if (message.type === 'cancel') return runner.cancel(message)
    Atomics.store(progress, cell.answered, 1)
    Atomics.notify(progress, cell.answered)
    if (message.type === 'park') Atomics.wait(progress, cell.answered, 1)
    runner.end(packError(new Error('The worker is ending')))
    // Nothing else keeps the thread alive, but what its functions have left: a native call of theirs, or a timer.
    port.close()
  }
  watchAddons(progress)
  const runner = new Runner(
    {
      post: (message, transfer) => port.postMessage(message, /** @type {any} */ (transfer)),
      poll,
      begin(batch) {
        // In this order: whoever looks in between must not take items of the last batch for items that have not started.
        Atomics.store(progress, cell.started, 0)
        Atomics.store(progress, cell.batch, batch)
        // The host may have taken the batch back, for a worker that is idle.
        if (Atomics.compareExchange(progress, cell.claims + (batch % cell.claimCount), batch, -batch) !== batch) return false
        Atomics.store(progress, cell.looping, 1)
        return true
      },
      wanted: (batch) => Atomics.load(progress, cell.claims + (batch % cell.claimCount)) === batch,
      loading: (fn) => void Atomics.store(progress, cell.loading, fn),
      clones: cloneable,
      progress,
      startedAt: new Float64Array(shared, startedAtByte, 1),
    },
    sources,
  )
  runner.forks = new ForkPort(
    (message) => port.postMessage(message),
    () => runner.lastBatch,
    forks,
  )
  /** @param {unknown} error */
  const unread = (error) => port.postMessage({ type: 'unread', after: runner.lastBatch, error: packError(error) })
  const take = () => {
    for (;;) {
      try {
        return receiveMessageOnPort(port)
      } catch (error) {
        unread(error)
      }
    }
  }
  const linger = () => {
    const until = performance.now() + lingerMostMs
    while (Atomics.load(progress, cell.awake) === 1 && runner.idle && performance.now() < until) {
      const seen = Atomics.load(progress, cell.posted)
      let next = take()
      if (!next && !spin(progress, seen) && Atomics.wait(progress, cell.posted, seen, lingerMs) === 'timed-out') return
      for (next ??= take(); next; next = take()) runner.receive(next.message)
    }
  }
  control.on('message', controlled)
  control.unref()
  port.on('message', (message) => {
    runner.receive(message)
    linger()
  })
  port.on('messageerror', unread)
  // What has been computed must not be lost when a function ends the thread.
  process.on('exit', () => runner.flush())
  port.postMessage({ type: 'ready', thread: systemThread() })
  return runner
}

/** How the system numbers this thread, under which it counts processor time; undefined where it does not show that. */
function systemThread() {
  if (process.platform !== 'linux') return undefined
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1))
  } catch {
    return undefined
  }
}

/**
 * Says in shared memory that a native addon is being loaded. Every way to load one comes by here.
 * @param {Int32Array} progress
 */
function watchAddons(progress) {
  const { dlopen } = process
  process.dlopen = function (...args) {
    Atomics.store(progress, cell.native, 1)
    return Reflect.apply(dlopen, this, args)
  }
}

/**
 * True when something was posted meanwhile.
 * @param {Int32Array} progress
 * @param {number} seen
 */
function spin(progress, seen) {
  const until = performance.now() + spinMs
  do {
    if (Atomics.load(progress, cell.posted) !== seen) return true
  } while (performance.now() < until)
  return false
}

function startProcess() {
  const bytes = /** @type {NonNullable<typeof process.send>} */ (process.send).bind(process)
  /** @param {import('../protocol.ts').ChildMessage} message @param {() => void} [sent] */
  const send = (message, sent) => bytes(message, undefined, undefined, sent)
  const runner = new Runner(
    {
      post(message) {
        if (message.type === 'result') send({ ...message, values: serialize(message.values) })
        else if (message.type === 'part') send({ ...message, value: serialize(message.value) })
        else send(message)
      },
      poll: () => undefined,
      begin: (batch) => send({ type: 'started', batch }) || true,
      wanted: () => true,
      loading() {},
      clones: serializable,
      progress: undefined,
      startedAt: undefined,
    },
    process.env.HEDDLE_SOURCES,
  )
  runner.forks = new ForkPort(
    (message) => void send(message.type === 'fork' ? { ...message, items: serialize(message.items) } : message),
    () => runner.lastBatch,
    { slots: Number(process.env.HEDDLE_SLOTS), idle: new Int32Array(1) },
  )
  process.on('message', (/** @type {any} */ message) => {
    if (message.type === 'forked') return runner.receive({ ...message, values: deserialize(message.values) })
    if (message.type === 'broadcast' && !message.bytes) return runner.receive({ ...message, value: deserialize(message.value) })
    if (message.type !== 'run') return runner.receive(message)
    let items
    try {
      items = /** @type {unknown[]} */ (deserialize(message.items))
    } catch (error) {
      return void send({ type: 'unreadable', batch: message.batch, error: packError(error) })
    }
    runner.receive({ ...message, items })
  })
  process.on('disconnect', () => process.exit())
  // Ctrl-C goes to the whole group of processes; the parent decides what becomes of us.
  process.on('SIGINT', () => {})
  process.on('uncaughtException', (error) => {
    send({ type: 'crashed', error: packError(error, serializable) }, () => process.exit(1))
  })
  send({ type: 'ready' })
  endWithParent()
  return runner
}

/** A function that holds this thread for ever would outlive its parent: nothing here could notice, except another thread. */
function endWithParent() {
  const watch = `setInterval(() => process.ppid === ${process.ppid} || process.kill(process.pid, 'SIGKILL'), 500)`
  new Worker(watch, { eval: true, execArgv: [], stdin: false, name: 'heddle parent watch' }).unref()
}
