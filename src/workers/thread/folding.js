// @ts-check
/**
 * A block of items folded into one value.
 *
 * @typedef {import('./transport.ts').Loaded} Loaded
 */
import { isThenable } from '../../base/look.js'
import { copyOf } from './chain.js'
import { overBlock } from './scatter.js'

/**
 * @param {import('../../run/shapes.ts').FoldShape} shape
 * @param {readonly Loaded[]} parts
 * @returns {(block: import('../../run/shapes.ts').Block, context: import('./chain.js').BlockContext) => unknown}
 */
export function folding({ ops }, parts) {
  const fns = parts.slice(0, ops.length)
  const { call } = /** @type {Loaded} */ (parts[ops.length])
  return (block, context) => {
    let value = copyOf(block.start)
    const each = (/** @type {unknown} */ item) => {
      const next = call(value, item, context)
      if (isThenable(next)) return Promise.resolve(next).then((settled) => void (value = settled))
      value = next
      return undefined
    }
    const later = overBlock(ops, fns, block, context, each)
    return later ? later.then(() => value) : value
  }
}
