/** What lies under the pointer, and what its gestures do. */
import { type Signal, useSignal, useSignalEffect } from '@preact/signals'
import type { RefObject } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Model } from '../state/model.ts'
import { lengthOf, toTime } from '../time/scale.ts'
import { listenToGestures } from './gestures.ts'
import type { Hit } from './hit.ts'
import type { Lanes } from './lanes.ts'
import type { Pointed } from './Tooltip.tsx'

export function usePointer(model: Model, lanes: Lanes, area: RefObject<HTMLDivElement | null>): Signal<Pointed | undefined> {
  const { size, rows, layers, scroll, hit } = lanes
  const pointed = useSignal<Pointed | undefined>(undefined)
  const pointedAt = (x: number, y: number): Pointed => {
    const view = model.view.peek()
    return { x, y, at: toTime(view, size.peek().width, x), lengthMs: lengthOf(view), hit: hit(x, y) ?? nothing }
  }

  // What lies under the pointer changes also when that rests: keys zoom, and a run goes on.
  useSignalEffect(() => {
    void [model.view.value, layers.value, rows.value, scroll.at.value]
    const last = pointed.peek()
    if (last) pointed.value = pointedAt(last.x, last.y)
  })

  useEffect(() => {
    const element = area.current
    if (!element) return
    return listenToGestures(element, model, {
      click(x, y) {
        const found = hit(x, y)
        model.task.value = found && taskOf(found)
      },
      doubleClick(x, y) {
        const found = hit(x, y)
        const slices = found?.lane.slices
        if (found?.kind === 'task' && slices) {
          model.focus({ from: slices.started[found.slice] as number, to: slices.settled[found.slice] as number })
        } else model.zoomBy(0.25, toTime(model.view.peek(), size.peek().width, x))
      },
      hover(x, y) {
        pointed.value = pointedAt(x, y)
      },
      leave: () => (pointed.value = undefined),
      scroll: scroll.by,
    })
  }, [model])
  return pointed
}

const nothing: Hit = { kind: 'idle', lane: { key: '', executor: -1, line: 0, label: '', capacity: 0, tasks: 0 } }

/** The number of the task, where one lies there. */
export const taskOf = (hit: Hit): number | undefined => (hit.kind === 'task' ? hit.lane.slices?.task[hit.slice] : undefined)
