/** Everything at a glance: tasks at work over time, failures as marks, and a frame around what the timeline shows. */
import { useComputed, useSignalEffect, type ReadonlySignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { TimelineWindow } from '../../../src/dashboard/page.ts'
import { look } from '../look/look.ts'
import { formatShort } from '../look/format.ts'
import { sharpContext, useSize } from '../parts/size.ts'
import { useModel } from '../state/context.ts'
import { lengthOf, toTime, toX } from '../time/scale.ts'
import { profileOf } from './profile.ts'

export function Minimap({ window }: { readonly window: ReadonlySignal<TimelineWindow | undefined> }) {
  const model = useModel()
  const area = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const size = useSize(area)
  const profile = useComputed(() => (window.value ? profileOf(window.value) : undefined))

  useSignalEffect(() => {
    const [{ width, height }, found, all, colours, whole] = [
      size.value,
      profile.value,
      window.value,
      look.value,
      model.whole.value,
    ]
    const context = canvas.current && sharpContext(canvas.current, { width, height })
    if (!context || !found || !all) return
    context.clearRect(0, 0, width, height)
    const top = 5
    const step = all.columns / width
    const scale = lengthOf(whole) > 0 ? lengthOf(all) / lengthOf(whole) : 1
    context.fillStyle = colours.faint
    context.globalAlpha = 0.42
    for (let x = 0; x < width; x++) {
      let most = 0
      for (let column = Math.floor(x * step); column < Math.min(all.columns, Math.max(x * step + 1, (x + 1) * step)); column++) {
        most = Math.max(most, found.atWork[column] as number)
      }
      const tall = (most / Math.max(1, found.most)) * (height - top)
      context.fillRect(x * scale, height - tall, scale, tall)
    }
    context.globalAlpha = 1
    context.fillStyle = colours.failed
    for (let column = 0; column < all.columns; column++) {
      if (found.failed[column] === 1) context.fillRect((column / step) * scale - 1, 0, 2, top + 3)
    }
  })

  const move = (event: PointerEvent, start: boolean): void => {
    const element = area.current
    if (!element || (!start && event.buttons === 0)) return
    if (start) element.setPointerCapture(event.pointerId)
    const at = toTime(model.whole.peek(), element.clientWidth, event.clientX - element.getBoundingClientRect().left)
    const half = lengthOf(model.view.peek()) / 2
    if (model.zoomed.peek()) model.lookAt({ from: at - half, to: at + half })
  }
  const [whole, view] = [model.whole.value, model.view.value]
  const left = toX(whole, size.value.width, view.from)
  const right = toX(whole, size.value.width, view.to)
  return (
    <>
      <div class="corner top">
        {profile.value && profile.value.most > 0 && `≤ ${formatShort(Math.round(profile.value.most * 10) / 10)} at work`}
      </div>
      <div
        class="minimap"
        ref={area}
        onPointerDown={(event) => move(event, true)}
        onPointerMove={(event) => move(event, false)}
        title="Tasks at work over the whole recording"
      >
        <canvas ref={canvas} style={{ width: '100%', height: '100%' }} />
        {model.zoomed.value && <div class="frame" style={{ left: `${left}px`, width: `${Math.max(3, right - left)}px` }} />}
      </div>
    </>
  )
}
