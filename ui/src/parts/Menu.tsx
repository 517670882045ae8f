/** A button that opens a list: arrow keys move, Escape closes, a click elsewhere too. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

export interface MenuItem {
  readonly key: string
  readonly title: ComponentChildren
  readonly note?: string | undefined
  readonly pick: () => void
}

interface Props {
  readonly label: string
  readonly id: string
  readonly children: ComponentChildren
  readonly items: readonly MenuItem[]
}

export function Menu({ label, id, children, items }: Props) {
  const open = useSignal(false)
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!open.value) return
    box.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus()
    const away = (event: PointerEvent): void => {
      if (!box.current?.contains(event.target as Node)) open.value = false
    }
    document.addEventListener('pointerdown', away)
    return () => document.removeEventListener('pointerdown', away)
  }, [open.value])

  const keys = (event: KeyboardEvent): void => {
    if (!open.peek()) return
    const all = [...(box.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])]
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (event.key === 'Escape') {
      open.value = false
      box.current?.querySelector('button')?.focus()
    } else if (step !== 0) {
      all.at((all.indexOf(document.activeElement as HTMLElement) + step + all.length) % all.length)?.focus()
    } else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div class="menu" ref={box} onKeyDown={keys}>
      <button
        id={id}
        class="button"
        type="button"
        aria-haspopup="menu"
        aria-expanded={open.value}
        title={label}
        onClick={() => (open.value = !open.value)}
      >
        {children}
      </button>
      {open.value && (
        <div class="popup" role="menu" aria-label={label}>
          {items.map(({ key, title, note, pick }) => (
            <button
              key={key}
              type="button"
              role="menuitem"
              tabIndex={-1}
              onClick={() => {
                open.value = false
                pick()
              }}
            >
              {title}
              {note && <span class="muted">{note}</span>}
            </button>
          ))}
        </div>
      )}
    </div>
  )
}
