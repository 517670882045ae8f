/**
 * Plain JavaScript, because the workers' side loads it too.
 *
 * @typedef {import('./frame.ts').TaskContext} TaskContext
 */

/**
 * The arguments with the context in the place of the last parameter, where that was left out. A function's length counts what it declares
 * up to the first default or rest, so that those keep what they would have in a plain call; such a function asks `context()`.
 *
 * @param {number} length how many parameters the function declares
 * @param {readonly unknown[]} args
 * @param {TaskContext} context
 * @returns {readonly unknown[]}
 */
export function withContext(length, args, context) {
  if (args.length >= length) return args
  if (args.length === length - 1) return [...args, context]
  const all = Array.from({ length }, (_, i) => args[i])
  all[length - 1] = context
  return all
}
