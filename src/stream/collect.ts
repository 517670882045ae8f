/** How a stage at the end of a pipeline takes what comes. */
import { end } from '../run/source.ts'
import { pending, type Stage } from './stage.ts'

/**
 * Takes what is there from above, while there is room.
 * @returns true when nothing will come any more
 */
export function collect<T>(up: Stage<T>, room: () => boolean, take: (item: T) => void): boolean {
  while (room()) {
    const item = up.poll()
    if (item === pending) return false
    if (item === end) return true
    take(item as T)
  }
  return false
}
