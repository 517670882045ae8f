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
  /** @type {Map<number, Promise<Loaded | WireError>>} */
  #functions = new Map()
  /** What modules registered, by URL. @type {Map<string, Registration>} */
  #registered = new Map()
  /** @type {Map<string, Promise<Record<string, unknown>>>} */
  #modules = new Map()
  /** @type {Map<number, BatchRun>} */
  #batches = new Map()
  /** Batches run in the order in which they came. @type {Promise<void>} */
  #last = Promise.resolve()

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

  /** @param {HostMessage} message */
  receive(message) {
    if (message.type === 'load') this.#functions.set(message.fn, this.#load(message.module, message.name))
    else if (message.type === 'cancel') this.cancel(message)
    else {
      const batch = new BatchRun(message, this.#transport, () => this.#lookForCancels())
      this.#batches.set(message.batch, batch)
      void this.#start(batch)
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
  async #start(batch) {
    const loaded = this.#functions.get(batch.message.fn)
    const before = this.#last
    /** @type {() => void} */
    let go = () => {}
    this.#last = new Promise((resolve) => (go = resolve))
    try {
      const fn = await loaded
      await before
      if (!fn || !('call' in fn)) return batch.failAll(/** @type {WireError} */ (fn))
      // Only the synchronous part holds up the next batch.
      const rest = batch.run(fn)
      go()
      await rest
    } finally {
      go()
      this.#batches.delete(batch.message.batch)
    }
  }

  /**
   * @param {string} url
   * @param {string} name
   * @returns {Promise<Loaded | WireError>}
   */
  async #load(url, name) {
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
