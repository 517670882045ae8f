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
 * @returns {(block: import('./scatter.js').Block, context: import('./chain.js').BlockContext) => unknown} gives a list: empty where nothing came of the block
 */
export function folding({ ops, start }, parts) {
  const fns = parts.slice(0, ops.length)
  const [fold, begin] = /** @type {[Loaded, Loaded?]} */ (parts.slice(ops.length))
  return (block, context) => {
    /** @type {{ value: unknown } | undefined} */
    let state
    const store = (/** @type {unknown} */ value) => {
      if (isThenable(value)) return Promise.resolve(value).then((settled) => void (state = { value: settled }))
      if (state) state.value = value
      else state = { value }
      return undefined
    }
    const each = (/** @type {unknown} */ item) => {
      if (state) return store(fold.call(state.value, item, context))
      if (start === 'item') return store(item)
      const first = start === 'function' ? /** @type {Loaded} */ (begin).call(context) : copyOf(block.start)
      if (isThenable(first)) return Promise.resolve(first).then((value) => store(fold.call(value, item, context)))
      return store(fold.call(first, item, context))
    }
    const result = () => (state ? [state.value] : [])
    const later = overBlock(ops, fns, block, context, each)
    return later ? later.then(result) : result()
  }
}
