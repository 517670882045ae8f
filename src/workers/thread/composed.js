// @ts-check
/**
 * Functions in a row as one: each gets what the one before gave, and the context. Nothing is copied in between, so each owns what it gets.
 *
 * @typedef {import('./transport.ts').Ambient} Ambient
 * @typedef {import('./transport.ts').Callable} Callable
 * @typedef {import('./transport.ts').Loaded} Loaded
 */
import { performance } from '../../base/globals.js'
import { isThenable } from '../../base/look.js'
import { WorkerContext } from './context.js'

const epoch = performance.timeOrigin

/**
 * @param {readonly Loaded[]} parts at least one
 * @returns {Loaded}
 */
export function composed(parts) {
  const [first, ...rest] = /** @type {[Loaded, ...Loaded[]]} */ (parts)
  const then = rest.map(({ call }) => call)
  const call = (/** @type {unknown[]} */ ...args) => {
    const context = args.at(-1)
    if (!(context instanceof WorkerContext)) return goOn(first.call(...args), then, 0, undefined)
    context.part = 0
    return goOn(first.call(...args), then, 0, context)
  }
  // By its length a direct call finds the place of the context.
  Object.defineProperty(call, 'length', { value: Math.max(1, first.call.length) })
  return { call, ambient: ambientOf(parts), promises: 'unknown', parts: parts.length }
}

/**
 * @param {unknown} value
 * @param {readonly Callable[]} then
 * @param {number} from
 * @param {WorkerContext | undefined} context
 * @returns {unknown}
 */
function goOn(value, then, from, context) {
  for (let i = from; i < then.length; i++) {
    if (isThenable(value)) return Promise.resolve(value).then((settled) => goOn(settled, then, i, context))
    if (context) {
      context.marks?.push(epoch + performance.now())
      context.part = i + 1
    }
    value = /** @type {Callable} */ (then[i])(value, context)
  }
  return value
}

/**
 * Modules may come with several copies of heddle, each of which has a `context()` of its own.
 * @param {readonly Loaded[]} parts
 * @returns {Ambient | undefined}
 */
export function ambientOf(parts) {
  const all = [...new Set(parts.map(({ ambient }) => ambient).filter((ambient) => ambient !== undefined))]
  if (all.length <= 1) return all[0]
  return {
    enter: (context, body) => all.reduce((inner, ambient) => () => ambient.enter(context, inner), body)(),
    set: (context) => all.forEach((ambient) => ambient.set(context)),
  }
}
