// @ts-check
/**
 * The worker's side: loads functions, and runs batches one after the other.
 *
 * @typedef {import('../protocol.ts').CancelMessage} CancelMessage
 * @typedef {import('../protocol.ts').HostMessage} HostMessage
 * @typedef {import('../protocol.ts').WorkerMessage} WorkerMessage
 * @typedef {import('../protocol.ts').WireError} WireError
 * @typedef {{ post(message: WorkerMessage, transfer?: unknown[]): void, poll(): CancelMessage | undefined,
 *   begin(batch: number): boolean,
 *   progress: Int32Array | undefined, startedAt: Float64Array | undefined }} Transport
 * @typedef {(...args: unknown[]) => unknown} Callable
 * @typedef {{ setup?: () => unknown, definitions?: Record<string, Callable>, ambient?: Ambient }} Registration
 * @typedef {{ enter(context: unknown, body: () => unknown): unknown, set(context: unknown): void }} Ambient
 * @typedef {{ call: Callable, ambient: Ambient | undefined, promises: 'unknown' | 'never' | 'yes' }} Loaded
 */
import { loadModule } from './load.js'
import { BatchRun } from './batch-run.js'
import { packError } from './wire.js'

export class Runner {
  /** @type {Transport} */
  #transport
  /** @type {string | undefined} */
  #sources
  /** @type {Map<number, Loaded | WireError | Promise<Loaded | WireError>>} */
  #functions = new Map()
  /** What modules registered, by URL. @type {Map<string, Registration>} */
  #registered = new Map()
  /** @type {Map<string, Promise<Record<string, unknown>>>} */
  #modules = new Map()
  /** @type {Map<number, BatchRun>} */
  #batches = new Map()
  /** Batches that wait while a module is loaded. @type {BatchRun[] | undefined} */
  #queue

  /**
   * @param {Transport} transport
   * @param {string | undefined} sources
   */
  constructor(transport, sources) {
    this.#transport = transport
    this.#sources = sources
  }

  /**
   * Called by `workers(…)` inside this worker.
   * @param {string} url
   * @param {Registration} registration
   */
  register(url, registration) {
    this.#registered.set(withoutExtension(url), registration)
  }

  /** True when nothing is under way. */
  get idle() {
    return this.#batches.size === 0
  }

  /** @param {HostMessage} message */
  receive(message) {
    if (message.type === 'load') this.#load(message.fn, message.module, message.name)
    else if (message.type === 'cancel') this.cancel(message)
    else {
      const batch = new BatchRun(message, this.#transport, () => this.#lookForCancels())
      this.#batches.set(message.batch, batch)
      if (!this.#queue) this.#start(batch)
      else this.#queue.push(batch)
    }
  }

  /** @param {CancelMessage} message */
  cancel(message) {
    this.#batches.get(message.batch)?.cancel(message)
  }

  /** The process is about to end: whatever has been computed is sent now. */
  flush() {
    for (const batch of this.#batches.values()) batch.flush(false)
  }

  #lookForCancels() {
    for (let message = this.#transport.poll(); message; message = this.#transport.poll()) this.cancel(message)
  }

  /** @param {BatchRun} batch */
  #start(batch) {
    const loaded = this.#functions.get(batch.message.fn)
    if (loaded instanceof Promise) void this.#startLater(batch, loaded)
    else this.#run(batch, /** @type {Loaded | WireError} */ (loaded))
  }

  /**
   * Batches run in the order in which they came: those behind one whose module is being loaded wait in the queue.
   * @param {BatchRun} batch
   * @param {Promise<Loaded | WireError>} loading
   */
  async #startLater(batch, loading) {
    this.#queue = []
    const loaded = await loading
    const waiting = this.#queue
    this.#queue = undefined
    this.#run(batch, loaded)
    for (const next of waiting) this.#resume(next)
  }

  /** @param {BatchRun} batch */
  #resume(batch) {
    if (this.#queue) this.#queue.push(batch)
    else this.#start(batch)
  }

  /**
   * Only the synchronous part of a batch holds up the next one.
   * @param {BatchRun} batch
   * @param {Loaded | WireError} loaded
   */
  #run(batch, loaded) {
    const over = () => void this.#batches.delete(batch.message.batch)
    if (!('call' in loaded)) {
      batch.failAll(loaded)
      return over()
    }
    const rest = batch.run(loaded)
    if (rest) void rest.then(over)
    else over()
  }

  /**
   * @param {number} fn
   * @param {string} url
   * @param {string} name
   */
  #load(fn, url, name) {
    const loading = this.#find(url, name)
    this.#functions.set(fn, loading)
    void loading.then((loaded) => this.#functions.set(fn, loaded))
  }

  /**
   * @param {string} url
   * @param {string} name
   * @returns {Promise<Loaded | WireError>}
   */
  async #find(url, name) {
    try {
      const exports = await this.#module(url)
      const registration = this.#registered.get(withoutExtension(url))
      const found =
        registration?.definitions && Object.hasOwn(registration.definitions, name)
          ? registration.definitions[name]
          : exports[name]
      if (typeof found !== 'function') throw new TypeError(`The worker module has no function ${JSON.stringify(name)}`)
      return { call: /** @type {Callable} */ (found), ambient: registration?.ambient, promises: 'unknown' }
    } catch (error) {
      return packError(error)
    }
  }

  /** @param {string} url */
  #module(url) {
    let module = this.#modules.get(url)
    if (!module) {
      module = loadModule(url, this.#sources).then(async (exports) => {
        await this.#registered.get(withoutExtension(url))?.setup?.()
        return exports
      })
      this.#modules.set(url, module)
    }
    return module
  }
}

/** @param {string} url */
function withoutExtension(url) {
  return url.replace(/\.[cm]?[jt]sx?$/, '')
}
