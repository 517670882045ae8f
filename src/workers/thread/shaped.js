// @ts-check
/**
 * Functions that are made of several by their shape.
 *
 * @typedef {import('../../run/shapes.ts').Shape} Shape
 * @typedef {import('./transport.ts').Loaded} Loaded
 */
import { ambientOf } from './composed.js'
import { BlockContext, onward } from './chain.js'
import { folding } from './folding.js'
import { gathering } from './gather.js'
import { scattering } from './scatter.js'
import { firstTries, resumed } from './tries.js'

/**
 * @param {Shape} shape
 * @param {readonly Loaded[]} parts
 * @returns {Loaded}
 */
export function shaped(shape, parts) {
  const body = bodyOf(shape, parts)
  const ambient = ambientOf(parts)
  const call = (/** @type {unknown} */ item, /** @type {unknown} */ outer) => {
    const own = /** @type {import('./context.js').WorkerContext} */ (outer)
    const context = new BlockContext(own)
    if (shape.kind === 'chain' || shape.kind === 'resume') {
      context.index = own.index
      context.marks = own.marks
    }
    // `context()` is to say which item is at hand.
    return ambient
      ? ambient.enter(context, () => body(/** @type {any} */ (item), context))
      : body(/** @type {any} */ (item), context)
  }
  const made = { call, ambient: undefined, promises: /** @type {const} */ ('unknown') }
  // Of a chain the parts are tasks of their own.
  return shape.kind === 'chain' && parts.length > 1 ? { ...made, parts: parts.length } : made
}

/**
 * @param {Shape} shape
 * @param {readonly Loaded[]} parts
 * @returns {(item: any, context: BlockContext) => unknown}
 */
function bodyOf(shape, parts) {
  if (shape.kind === 'scatter') return scattering(shape, parts)
  if (shape.kind === 'gather') return gathering(shape, parts)
  if (shape.kind === 'fold') return folding(shape, parts)
  const chain = { ops: shape.ops, fns: parts, ...(shape.keeps && { keeps: shape.keeps, tries: firstTries }) }
  if (shape.kind === 'resume') return (item, context) => resumed(chain, item, context)
  return (item, context) => onward(chain, 0, [item], context)
}
