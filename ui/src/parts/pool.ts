/** Which rows of a long table are in view, when all of them are as tall as each other. */

/** Browsers lay out no box much taller than 16 million pixels; beyond, the scroll bar stands for more than a pixel per pixel. */
const tallestPx = 8_000_000

export interface Pool {
  /** Height of the box that is scrolled. */
  readonly height: number
  /** The first row that is drawn, and how many. */
  readonly first: number
  readonly count: number
  /** Where the first drawn row stands in the box. */
  readonly offset: number
}

export function poolOf(total: number, rowPx: number, scrollTop: number, viewPx: number): Pool {
  const full = total * rowPx
  const height = Math.min(full, tallestPx)
  const inView = Math.ceil(viewPx / rowPx) + 1
  const most = Math.max(0, height - viewPx)
  const at = Math.min(most, Math.max(0, scrollTop))
  // Exact while pixels suffice; else in proportion, so that the ends still meet.
  const top = full <= tallestPx ? at : (at / most) * (full - viewPx)
  const first = Math.min(Math.max(0, total - inView), Math.floor(top / rowPx))
  return { height, first, count: Math.min(total - first, inView), offset: at + first * rowPx - top }
}

/** The scroll position that shows a row, as near to the present one as it can be. */
export function scrollTo(row: number, total: number, rowPx: number, scrollTop: number, viewPx: number): number {
  const full = total * rowPx
  const height = Math.min(full, tallestPx)
  const stretch = full <= tallestPx ? 1 : (full - viewPx) / (height - viewPx)
  const top = scrollTop * stretch
  if (row * rowPx < top) return (row * rowPx) / stretch
  if ((row + 1) * rowPx > top + viewPx) return ((row + 1) * rowPx - viewPx) / stretch
  return scrollTop
}
