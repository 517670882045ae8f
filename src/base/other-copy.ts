import { nameOf, peek } from './look.js'

/**
 * A hint for what is refused although it looks like one of ours: it was made by another copy of heddle, as when two versions are installed.
 * @param names of our classes that would have been right
 */
export function otherCopy(value: unknown, ...names: readonly string[]): string | undefined {
  const name = nameOf(peek(value, 'constructor'))
  if (!names.includes(name)) return undefined
  return `This ${name} was made by another copy of heddle. Run npm ls heddle, and see that one copy is installed.`
}
