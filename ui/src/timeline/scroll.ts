import { type ReadonlySignal, useComputed, useSignal } from '@preact/signals'

/** How far the lanes are scrolled, in pixels: never beyond the last one, also when there are fewer of them than before. */
export interface Scroll {
  readonly at: ReadonlySignal<number>
  readonly most: ReadonlySignal<number>
  by(px: number): void
}

export function useScroll(height: () => number, shown: () => number): Scroll {
  const wanted = useSignal(0)
  const most = useComputed(() => Math.max(0, height() - shown()))
  const at = useComputed(() => Math.max(0, Math.min(wanted.value, most.value)))
  return { at, most, by: (px) => (wanted.value = Math.max(0, Math.min(most.peek(), at.peek() + px))) }
}
