/** What lies under the pointer. */
import type { Lane, TimelineWindow } from '../../../src/dashboard/page.ts'
import { firstEndingAfter } from './paint.ts'

export type Hit =
  /** The name is that of the bar, where it has one other than its group's. */
  | { readonly kind: 'task'; readonly lane: Lane; readonly slice: number; readonly name?: string | undefined }
  | { readonly kind: 'idle'; readonly lane: Lane }
  | { readonly kind: 'coverage'; readonly lane: Lane; readonly column: number; readonly columnMs: number }

/** @param slackMs how far beside a bar still counts as on it: the time of a few pixels */
export function hitTest(window: TimelineWindow, lane: Lane, at: number, slackMs: number): Hit {
  const { slices, coverage } = lane
  if (slices) {
    let best = -1
    let distance = slackMs
    const first = firstEndingAfter(slices, at - slackMs)
    for (let i = first; i < slices.count && (slices.started[i] as number) <= at + slackMs; i++) {
      const off = Math.max(0, (slices.started[i] as number) - at, at - (slices.settled[i] as number))
      if (off < distance || (off === 0 && best < 0)) [best, distance] = [i, off]
      if (off === 0) break
    }
    if (best < 0) return { kind: 'idle', lane }
    return { kind: 'task', lane, slice: best, name: window.names[String(slices.task[best])] }
  }
  const columnMs = (window.to - window.from) / window.columns
  const column = Math.floor((at - window.from) / columnMs)
  if (!coverage || column < 0 || column >= window.columns || coverage.share[column] === 0) return { kind: 'idle', lane }
  return { kind: 'coverage', lane, column, columnMs }
}
