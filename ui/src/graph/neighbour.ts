import type { GraphScene } from './paint.ts'

/** The nearest box in the direction of an arrow key. */
export function neighbourOf({ graph, placing, focused }: GraphScene, key: string): number {
  if (focused < 0) return 0
  const [dx, dy] = key === 'ArrowLeft' ? [-1, 0] : key === 'ArrowRight' ? [1, 0] : key === 'ArrowUp' ? [0, -1] : [0, 1]
  let [best, least] = [focused, Infinity]
  for (let n = 0; n < graph.nodes.length; n++) {
    const x = (placing.x[n] as number) - (placing.x[focused] as number)
    const y = (placing.y[n] as number) - (placing.y[focused] as number)
    const along = x * dx + y * dy
    const across = Math.abs(x * dy) + Math.abs(y * dx)
    if (along > 1 && along + 2 * across < least) [best, least] = [n, along + 2 * across]
  }
  return best
}
