/** Wheel and drag on the timeline: wheel zooms where the pointer is, drag selects a stretch, Shift-drag and sideways wheels pan. */
import type { Model } from '../state/model.ts'
import { lengthOf, toTime } from '../time/scale.ts'

/** A press that moves less than this is a click. */
const clickPx = 4

export interface GestureHandlers {
  click(x: number, y: number): void
  doubleClick(x: number, y: number): void
  hover(x: number, y: number): void
  leave(): void
  scroll(px: number): void
}

/** @returns takes the listeners off again */
export function listenToGestures(element: HTMLElement, model: Model, handlers: GestureHandlers): () => void {
  const off = new AbortController()
  const { signal } = off
  const width = (): number => Math.max(1, element.clientWidth)
  const time = (x: number): number => toTime(model.view.peek(), width(), x)
  let drag: { readonly mode: 'select' | 'pan'; readonly x: number; readonly at: number; moved: boolean; last: number } | undefined

  const place = (event: MouseEvent): readonly [number, number] => {
    const { left, top } = element.getBoundingClientRect()
    return [event.clientX - left, event.clientY - top]
  }

  element.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault()
      const [x] = place(event)
      const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1
      if (event.altKey) return handlers.scroll(event.deltaY * unit)
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        return model.panBy((sideways * unit * lengthOf(model.view.peek())) / width())
      }
      model.zoomBy(Math.exp(Math.max(-240, Math.min(240, event.deltaY * unit)) * 0.0025), time(x))
    },
    { passive: false, signal },
  )
  element.addEventListener(
    'pointerdown',
    (event) => {
      if (event.button > 1) return
      const [x] = place(event)
      const mode = event.shiftKey || event.button === 1 ? 'pan' : 'select'
      drag = { mode, x, at: time(x), moved: false, last: x }
      element.setPointerCapture(event.pointerId)
      handlers.leave()
    },
    { signal },
  )
  element.addEventListener(
    'pointermove',
    (event) => {
      const [x, y] = place(event)
      if (!drag) return handlers.hover(x, y)
      if (!drag.moved && Math.abs(x - drag.x) < clickPx) return
      drag.moved = true
      if (drag.mode === 'pan') model.panBy(((drag.last - x) * lengthOf(model.view.peek())) / width())
      else {
        const [a, b] = [drag.at, time(Math.min(width(), Math.max(0, x)))]
        model.drafted.value = { from: Math.min(a, b), to: Math.max(a, b) }
      }
      drag.last = x
    },
    { signal },
  )
  const end = (event: PointerEvent): void => {
    const ended = drag
    drag = undefined
    if (!ended) return
    if (ended.moved) {
      if (ended.mode === 'select' && model.drafted.peek()) model.range.value = model.drafted.peek()
    } else if (event.type === 'pointerup') handlers.click(...place(event))
    model.drafted.value = undefined
  }
  element.addEventListener('pointerup', end, { signal })
  element.addEventListener('pointercancel', end, { signal })
  element.addEventListener('pointerleave', () => handlers.leave(), { signal })
  element.addEventListener('dblclick', (event) => handlers.doubleClick(...place(event)), { signal })
  return () => off.abort()
}
