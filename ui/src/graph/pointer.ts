import type { ReadonlySignal } from '@preact/signals'
import { type Camera, type GraphScene, nodeAt } from './paint.ts'

export interface PointerTarget {
  readonly scene: ReadonlySignal<GraphScene>
  readonly camera: ReadonlySignal<Camera>
  /** A box was clicked; -1 where there is none. */
  pick(node: number): void
  move(to: Camera): void
}

const [leastScale, mostScale] = [0.02, 3]
/** A press that moves less is a click. */
const dragPx = 4

/** The wheel zooms about the pointer, a drag moves, a click picks. Gives what takes it off again. */
export function listenToPointer(element: HTMLElement, { scene, camera, pick, move }: PointerTarget): () => void {
  const off = new AbortController()
  const on = { signal: off.signal }
  let drag: { x: number; y: number; moved: boolean } | undefined
  const at = (event: MouseEvent): readonly [number, number] => {
    const { left, top } = element.getBoundingClientRect()
    return [event.clientX - left, event.clientY - top]
  }
  const zoom = (event: WheelEvent): void => {
    event.preventDefault()
    const [x, y] = at(event)
    const { x: cx, y: cy, scale } = camera.peek()
    const next = Math.min(mostScale, Math.max(leastScale, scale * Math.exp(-event.deltaY * 0.002)))
    move({ scale: next, x: cx + x / scale - x / next, y: cy + y / scale - y / next })
  }
  const press = (event: PointerEvent): void => {
    const [x, y] = at(event)
    drag = { x, y, moved: false }
    element.setPointerCapture(event.pointerId)
  }
  const hover = (event: PointerEvent): void => {
    const [x, y] = at(event)
    element.style.cursor = drag?.moved ? 'grabbing' : nodeAt(scene.peek(), x, y) >= 0 ? 'pointer' : 'grab'
    if (!drag || (!drag.moved && Math.hypot(x - drag.x, y - drag.y) < dragPx)) return
    const { scale, ...from } = camera.peek()
    move({ scale, x: from.x - (x - drag.x) / scale, y: from.y - (y - drag.y) / scale })
    drag = { x, y, moved: true }
  }
  const release = (event: PointerEvent): void => {
    if (drag && !drag.moved) pick(nodeAt(scene.peek(), ...at(event)))
    drag = undefined
  }
  element.addEventListener('wheel', zoom, { passive: false, signal: off.signal })
  element.addEventListener('pointerdown', press, on)
  element.addEventListener('pointermove', hover, on)
  element.addEventListener('pointerup', release, on)
  return () => off.abort()
}
