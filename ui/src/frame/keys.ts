/** What the keyboard does, wherever the focus is but in a field that takes text. */
import type { Model } from '../state/model.ts'
import { tabs } from '../state/model.ts'
import { switchTheme } from '../state/theme.ts'
import { alongPath, nextFailure } from '../state/walk.ts'
import { lengthOf } from '../time/scale.ts'

export const keyTable: readonly { readonly title: string; readonly rows: readonly (readonly [readonly string[], string])[] }[] = [
  {
    title: 'Timeline',
    rows: [
      [['W', 'S'], 'zoom in and out'],
      [['A', 'D'], 'pan'],
      [['F'], 'fit the selection, the open task, or everything'],
      [['0'], 'everything'],
      [['R'], 'select what is shown: every panel follows'],
      [['wheel'], 'zoom where the pointer is'],
      [['drag'], 'select a stretch of time'],
      [['⇧ drag'], 'pan'],
    ],
  },
  {
    title: 'Going places',
    rows: [
      [['N', '⇧ N'], 'next and previous failure'],
      [['C', '⇧ C'], 'along the critical path'],
      [['/'], 'search tasks'],
      [['1', '…', '7'], 'panels'],
      [['↑', '↓', '⏎'], 'in tables and in the graph'],
      [['Esc'], 'close, then clear the filters'],
    ],
  },
  {
    title: 'Page',
    rows: [
      [['E'], 'export'],
      [['T'], 'light or dark'],
      [['?'], 'this'],
    ],
  },
]

/** Keys that go on as long as they are held: zoom per second, or shares of the view per second. */
const held: Readonly<Record<string, { readonly zoom?: number; readonly pan?: number }>> = {
  w: { zoom: 0.08 },
  s: { zoom: 12 },
  a: { pan: -1.1 },
  d: { pan: 1.1 },
}

interface Actions {
  search(): void
  help(): void
}

/** @returns takes the listeners off again */
export function listenToKeys(model: Model, actions: Actions): () => void {
  const off = new AbortController()
  const down = new Set<string>()
  let frame = 0
  let last = 0

  const step = (now: number): void => {
    const seconds = Math.min(0.05, (now - last) / 1_000)
    last = now
    for (const key of down) move(model, key, seconds)
    frame = down.size > 0 ? requestAnimationFrame(step) : 0
  }
  const release = (): void => down.clear()

  document.addEventListener(
    'keydown',
    (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
      const target = event.target as HTMLElement | null
      if (target?.closest('input, textarea, select, dialog, [role=menu]')) return
      const key = event.key.toLowerCase()
      if (key in held && !event.shiftKey) {
        if (!event.repeat) move(model, key, 1 / 20)
        down.add(key)
        if (frame === 0) {
          last = performance.now()
          frame = requestAnimationFrame(step)
        }
      } else if (!act(model, actions, key, event.shiftKey)) return
      event.preventDefault()
    },
    { signal: off.signal },
  )
  document.addEventListener('keyup', (event) => down.delete(event.key.toLowerCase()), { signal: off.signal })
  window.addEventListener('blur', release, { signal: off.signal })
  return () => {
    off.abort()
    release()
    cancelAnimationFrame(frame)
  }
}

function move(model: Model, key: string, seconds: number): void {
  const view = model.view.peek()
  const { zoom, pan } = held[key] ?? {}
  if (zoom !== undefined) model.zoomBy(zoom ** seconds, (view.from + view.to) / 2)
  if (pan !== undefined) model.panBy(pan * seconds * lengthOf(view))
}

function act(model: Model, actions: Actions, key: string, shift: boolean): boolean {
  const tab = tabs[Number(key) - 1]
  if (tab) model.tab.value = tab
  else if (key === '/') actions.search()
  else if (key === '?') actions.help()
  else if (key === 'f') fit(model)
  else if (key === '0') model.zoomed.value = undefined
  else if (key === 'r') model.range.value = model.zoomed.peek() && model.view.peek()
  else if (key === 'n') void nextFailure(model, shift ? -1 : 1)
  else if (key === 'c') void alongPath(model, shift ? -1 : 1)
  else if (key === 't') switchTheme()
  else if (key === 'e') document.getElementById('exports')?.click()
  else if (key === 'escape') escape(model)
  else return false
  return true
}

/** What is most specific comes first; when it already fits, everything. */
function fit(model: Model): void {
  const task = model.detail.value.peek()
  const range = model.range.peek()
  const before = model.zoomed.peek()
  if (range) model.focus(range)
  else if (task && model.task.peek() !== undefined && task.startedAt >= 0) {
    model.focus({ from: task.startedAt, to: task.startedAt + task.durationMs })
  } else model.zoomed.value = undefined
  const after = model.zoomed.peek()
  const same = before && after && Math.abs(before.from - after.from) + Math.abs(before.to - after.to) < 1e-6
  if (same) model.zoomed.value = undefined
}

function escape(model: Model): void {
  if (model.task.peek() !== undefined) model.task.value = undefined
  else if (model.range.peek()) model.range.value = undefined
  else if (model.group.peek() !== undefined) model.group.value = undefined
  else model.zoomed.value = undefined
}
