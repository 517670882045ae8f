// @ts-check
/**
 * The worker's side: loads functions, and runs batches one after the other.
 *
 * @typedef {import('../protocol.ts').CancelMessage} CancelMessage
 * @typedef {import('../protocol.ts').HostMessage} HostMessage
 * @typedef {import('../protocol.ts').RunMessage} RunMessage
 * @typedef {import('../../encoding/encoded.ts').WireError} WireError
 * @typedef {import('./transport.ts').Callable} Callable
 * @typedef {import('./transport.ts').Loaded} Loaded
 * @typedef {import('./transport.ts').Named} Named
 * @typedef {import('./transport.ts').Registration} Registration
 * @typedef {import('./transport.ts').Transport} Transport
 */
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { existing, loadModule } from './load.js'
import { BatchRun } from './batch-run.js'
import { composed } from './composed.js'
import { drop, receive } from './broadcasts.js'
import { shaped } from './shaped.js'
import { packError } from '../../encoding/errors.js'

export class Runner {
  /** @type {Transport} */
  #transport
  /** @type {string | undefined} */
  #sources
  /** By the host's short number; loaded when the first batch of it is begun. @type {Map<number, Named | Loaded | WireError>} */
  #functions = new Map()
  /** What modules registered, by URL: one for each `workers(…)` in it. @type {Map<string, Registration[]>} */
  #registered = new Map()
  /** @type {Map<string, Promise<Record<string, unknown>>>} */
  #modules = new Map()
  /** @type {Map<number, BatchRun>} */
  #batches = new Map()
  /** Setups that have begun, by module. @type {Map<string, Promise<void>>} */
  #setups = new Map()
  /** Batches that wait while a module is loaded. @type {BatchRun[] | undefined} */
  #queue
  /** The last batch that came. */
  #last = 0
  /** For calls that this worker offers to others. @type {import('./fork-port.js').ForkPort | undefined} */
  forks
  /** Cancellations that overtook their batch. @type {CancelMessage[]} */
  #early = []

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
    const key = keyOf(url)
    const known = this.#registered.get(key) ?? []
    // A module that is evaluated again replaces what it registered.
    const others = known.filter((other) => !sameNames(other, registration))
    const twice = Object.keys(registration.definitions ?? {}).find((name) => others.some((other) => defines(other, name)))
    if (twice !== undefined)
      throw new TypeError(`it defines the worker function ${JSON.stringify(twice)} twice, in two calls of workers`)
    this.#registered.set(key, [...others, registration])
  }

  /** The number of the last batch that came. */
  get lastBatch() {
    return this.#last
  }

  /**
   * A function gives something before its result.
   * @param {number} batch
   * @param {unknown} value
   */
  part(batch, value) {
    this.#transport.post({ type: 'part', batch, value })
  }

  /** True when nothing is under way. */
  get idle() {
    return this.#batches.size === 0
  }

  /** @param {HostMessage} message */
  receive(message) {
    if (message.type === 'load') this.#functions.set(message.fn, message)
    else if (message.type === 'cancel') this.cancel(message)
    else if (message.type === 'broadcast') receive(message)
    else if (message.type === 'drop') drop(message.id)
    else if (message.type === 'forked') this.forks?.receive(message)
    else if (message.type === 'idle') this.forks?.setIdle(message.count)
    else {
      const batch = new BatchRun(message, this.#transport, () => this.#lookForCancels())
      this.#last = message.batch
      this.#batches.set(message.batch, batch)
      if (this.#early.length > 0) this.#cancelEarly(batch)
      if (!this.#queue) this.#start(batch)
      else this.#queue.push(batch)
    }
  }

  /** @param {CancelMessage} message */
  cancel(message) {
    if (message.batch > this.#last) this.#early.push(message)
    else this.#batches.get(message.batch)?.cancel(message)
  }

  /** Nothing more is begun. @param {WireError} reason */
  end(reason) {
    for (const batch of this.#batches.values()) batch.cancel({ type: 'cancel', batch: batch.message.batch, index: -1, reason })
  }

  /** @param {BatchRun} batch */
  #cancelEarly(batch) {
    for (const message of this.#early) if (message.batch === batch.message.batch) batch.cancel(message)
    this.#early = this.#early.filter((message) => message.batch > batch.message.batch)
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
    const missing = this.#missing(batch.message)
    if (missing.length > 0) void this.#startLater(batch, missing)
    else this.#run(batch)
  }

  /**
   * What the batch calls and nobody has called yet.
   * @param {RunMessage} message
   */
  #missing({ fn, stay }) {
    /** @type {number[]} */
    const missing = []
    const look = (/** @type {number} */ number) => {
      const known = /** @type {Named | Loaded | WireError} */ (this.#functions.get(number))
      if (!('module' in known) || missing.includes(number)) return
      for (const part of known.parts ?? []) look(part)
      missing.push(number)
    }
    look(fn)
    if (stay && stay.merge > 0) look(stay.merge)
    return missing
  }

  /**
   * Batches run in the order in which they came: those behind one whose module is being loaded wait in the queue.
   * @param {BatchRun} batch
   * @param {readonly number[]} missing
   */
  async #startLater(batch, missing) {
    this.#queue = []
    for (const number of missing) {
      const named = /** @type {Named} */ (this.#functions.get(number))
      this.#transport.loading(number)
      // In this order: a host that takes the batch back looks afterwards whether its module is being loaded.
      if (!this.#transport.wanted(batch.message.batch)) break
      this.#functions.set(number, named.parts ? this.#made(named.parts, named.shape) : await this.#find(named))
    }
    this.#transport.loading(0)
    // Only when all of it is there: it waits no more.
    for (const fn of missing) {
      if ('call' in /** @type {object} */ (this.#functions.get(fn))) this.#transport.post({ type: 'loaded', fn })
    }
    const waiting = this.#queue
    this.#queue = undefined
    this.#run(batch)
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
   */
  #run(batch) {
    const { fn, stay } = batch.message
    const loaded = /** @type {Loaded | WireError} */ (this.#functions.get(fn))
    const merge = stay && stay.merge > 0 ? /** @type {Loaded | WireError} */ (this.#functions.get(stay.merge)) : undefined
    const over = () => void this.#batches.delete(batch.message.batch)
    if (!('call' in loaded)) {
      batch.failAll(loaded)
      return over()
    }
    if (merge && !('call' in merge)) {
      batch.failAll(merge)
      return over()
    }
    this.forks?.turned()
    const rest = batch.run(loaded, merge)
    this.forks?.turned()
    if (rest) void rest.then(over)
    else over()
  }

  /**
   * One function of several: where no shape says otherwise, each gets what the one before gave.
   * @param {readonly number[]} parts
   * @param {import('../../run/shapes.ts').Shape | undefined} shape
   * @returns {Loaded | WireError}
   */
  #made(parts, shape) {
    const loaded = parts.map((part) => /** @type {Loaded | WireError} */ (this.#functions.get(part)))
    const failed = loaded.find((part) => !('call' in part))
    if (failed) return failed
    return shape ? shaped(shape, /** @type {Loaded[]} */ (loaded)) : composed(/** @type {Loaded[]} */ (loaded))
  }

  /**
   * @param {Named} named
   * @returns {Promise<Loaded | WireError>}
   */
  async #find({ module, name }) {
    try {
      const exports = await this.load(module)
      const registered = this.#registered.get(keyOf(module)) ?? []
      const { definitions, ambient } = registered.find((one) => defines(one, name)) ?? {
        ...registered[0],
        definitions: undefined,
      }
      const found = definitions ? definitions[name] : exports[name]
      if (typeof found !== 'function')
        throw noSuchFunction(name, Object.assign({}, exports, ...registered.map((one) => one.definitions)))
      // A method of the record that the module defined may use the others as `this.other()`.
      return { call: /** @type {Callable} */ (found).bind(definitions), ambient, promises: 'unknown' }
    } catch (error) {
      return packError(error, this.#transport.clones)
    }
  }

  /**
   * The exports of a module, set up.
   * @param {string} url
   */
  async load(url) {
    let module = this.#modules.get(url)
    if (!module) {
      module = loadModule(url, this.#sources)
      this.#modules.set(url, module)
    }
    const exports = await module
    await this.setUp(url)
    return exports
  }

  /**
   * Runs the module's `setup`, once.
   * @param {string} url
   */
  setUp(url) {
    const key = keyOf(url)
    let begun = this.#setups.get(key)
    if (!begun) {
      begun = (async () => {
        for (const { setup, ready } of this.#registered.get(key) ?? []) {
          await ready
          await setup?.()
        }
      })()
      this.#setups.set(key, begun)
    }
    return begun
  }
}

/** @param {Registration} registration @param {string} name */
function defines({ definitions }, name) {
  return definitions !== undefined && Object.hasOwn(definitions, name)
}

/** @param {Registration} a @param {Registration} b */
function sameNames(a, b) {
  return Object.keys(a.definitions ?? {}).join() === Object.keys(b.definitions ?? {}).join()
}

/**
 * The same for the source of a module and what was compiled from it, and for a link and what it leads to.
 * @param {string} url
 */
function keyOf(url) {
  const found = existing(url)
  let path = found
  try {
    path = realpathSync(fileURLToPath(found))
  } catch {
    // No file.
  }
  return path.replace(/\.[cm]?[jt]sx?$/, '')
}

/**
 * @param {string} name
 * @param {Record<string, unknown>} known
 */
function noSuchFunction(name, known) {
  const names = Object.keys(known).filter((key) => typeof known[key] === 'function')
  const has = names.length === 0 ? 'it exports no function' : `it has ${names.slice(0, 12).join(', ')}`
  return new TypeError(`it has no function ${JSON.stringify(name)}; ${has}`)
}
