/** Worker functions inside a worker: plain functions for direct calls, and what `home` runs for maps and forks. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Cancellation } from '../base/abort.ts'
import { InvalidOption } from '../base/errors.ts'
import { context, enterFrame, type Frame, rootFrame, type TaskContext } from '../base/frame.ts'
import { withContext } from '../base/with-context.js'
import { type FunctionRef, functionRef } from '../run/executor.ts'
import { byName } from './by-name.ts'
import type { Callable } from './call-here.ts'
import { HomeAtFirstUse } from './forking/at-first-use.ts'
import type { ForkPort } from './thread/fork-port.js'

// Parameters are checked at the call, so that any function may be defined.
export type Definitions = Readonly<Record<string, (...args: never[]) => unknown>>

/** What the worker entry puts on the global object of a worker; see thread/entry.js. */
interface WorkerSide {
  readonly forks: ForkPort
  register(url: string, registration: Registration): void
  /** The exports of a module, set up. */
  load(url: string): Promise<Readonly<Record<string, unknown>>>
  /** Runs the setup of a registered module, once. */
  setUp(url: string): Promise<void>
  /** Sends what the function of that batch gives before its result. */
  part(batch: number, value: unknown): void
}

interface Registration {
  readonly definitions: Definitions
  readonly setup: (() => unknown) | undefined
  readonly ambient: Ambient
  /** What must be loaded before its first call. */
  readonly ready: Promise<unknown>
}

interface Ambient {
  enter(context: TaskContext, body: () => unknown): unknown
  set(context: TaskContext): void
}

const workerSide = Symbol.for('heddle.thread')

/** Set where the calling code runs inside a worker of heddle. */
export function insideWorker(): WorkerSide | undefined {
  return (globalThis as { [workerSide]?: WorkerSide })[workerSide]
}

/** True for code that `setup` of that module has called. */
const settingUp = new AsyncLocalStorage<string>()

let home: HomeAtFirstUse | undefined

/**
 * Worker functions may call one another without a crossing: nested use can neither deadlock nor take more threads. They give promises
 * and get a context all the same, so that the code that calls them need not know where it runs. Maps over them and forks of them may go to
 * other workers.
 */
export function plainly(
  side: WorkerSide,
  url: string,
  definitions: Definitions | undefined,
  setup: (() => unknown) | undefined,
): unknown {
  home ??= new HomeAtFirstUse(side.forks)
  return definitions ? defined(side, home, url, definitions, setup) : named(side, home, url)
}

/** Those of a module that calls `workers` with its functions. */
function defined(
  side: WorkerSide,
  executor: HomeAtFirstUse,
  url: string,
  definitions: Definitions,
  setup: (() => unknown) | undefined,
): unknown {
  const ambient = { enter: enterTask, set: (context: TaskContext) => (rootFrame.context = context) }
  const register = { definitions, setup: setup && (() => settingUp.run(url, setup)), ambient, ready: executor.loaded() }
  side.register(url, register)
  let isSetUp = setup === undefined
  const nested = (name: string, fn: (...args: never[]) => unknown): unknown => {
    const call = async (...args: unknown[]): Promise<unknown> => {
      if (!isSetUp && settingUp.getStore() !== url) await side.setUp(url)
      return fn.call(definitions, ...(withContext(fn.length, args, context()) as never[]))
    }
    const bound = fn.bind(definitions) as Callable
    const ready = (): Callable | Promise<Callable> => {
      if (isSetUp || settingUp.getStore() === url) return bound
      return side.setUp(url).then(() => {
        isSetUp = true
        return bound
      })
    }
    return withRef(call, executor, url, name, ready)
  }
  return Object.freeze(Object.fromEntries(Object.entries(definitions).map(([name, fn]) => [name, nested(name, fn)])))
}

/** Those of a module that is named by URL. */
function named(side: WorkerSide, executor: HomeAtFirstUse, url: string): unknown {
  const found = async (name: string): Promise<Callable> => {
    const fn = (await side.load(url))[name]
    if (typeof fn === 'function') return fn as Callable
    throw new InvalidOption(`The worker module has no function ${JSON.stringify(name)}`)
  }
  return byName((name) => {
    const call = async (...args: unknown[]): Promise<unknown> => {
      const fn = await found(name)
      return fn(...withContext(fn.length, args, context()))
    }
    return withRef(call, executor, url, name, () => found(name))
  })
}

function withRef(
  call: (...args: unknown[]) => Promise<unknown>,
  executor: HomeAtFirstUse,
  module: string,
  name: string,
  ready: () => Callable | Promise<Callable>,
): unknown {
  const ref: FunctionRef = { module, name, local: undefined, setup: undefined, executor }
  executor.define(ref, ready)
  return Object.defineProperty(call, functionRef, { value: ref })
}

function enterTask(context: TaskContext, body: () => unknown): unknown {
  const frame: Frame = {
    ...rootFrame,
    parent: rootFrame,
    context,
    // Made only for a function that starts runs of its own.
    get cancellation() {
      return Cancellation.of(context.signal) as Cancellation
    },
    label: () => `worker task ${context.index}`,
  }
  return enterFrame(frame, body)
}
