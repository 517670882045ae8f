/** A table of any length: only the rows in view exist, and they are used again as it is scrolled. Arrow keys, Home, End and Enter. */
import { useSignal, useSignalEffect } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useRef } from 'preact/hooks'
import { poolOf, scrollTo } from './pool.ts'
import { useSize } from './size.ts'

export interface Column<R> {
  readonly key: string
  readonly title: string
  /** What CSS grid takes: `80px`, `minmax(0, 1fr)`. */
  readonly width: string
  readonly right?: boolean
  readonly sort?: boolean
  readonly hint?: string
  cell(row: R): ComponentChildren
}

interface Props<R> {
  readonly label: string
  readonly columns: readonly Column<R>[]
  readonly total: number
  /** undefined: not there yet. */
  row(index: number): R | undefined
  /** Gets the rows in view. */
  onShow?(first: number, count: number): void
  onPick?(row: R): void
  picked?(row: R): boolean
  readonly sorted?: { readonly key: string; readonly descending: boolean } | undefined
  onSort?(key: string): void
  readonly empty: ComponentChildren
}

export const rowPx = 28

export function Table<R>(props: Props<R>) {
  const { label, columns, total, row, onPick, picked, sorted, onSort } = props
  const body = useRef<HTMLDivElement>(null)
  const size = useSize(body)
  const top = useSignal(0)
  const active = useSignal(-1)
  const pool = poolOf(total, rowPx, top.value, size.value.height)
  const show = useRef(props.onShow)
  show.current = props.onShow
  const latest = useSignal(total)
  latest.value = total
  useSignalEffect(() => {
    const { first, count } = poolOf(latest.value, rowPx, top.value, size.value.height)
    show.current?.(first, count)
  })

  const keys = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(size.value.height / rowPx) - 1)
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -total,
      End: total,
    }
    const step = steps[event.key]
    if (step !== undefined && total > 0) {
      const next = Math.min(total - 1, Math.max(0, active.value + step))
      active.value = next
      const element = body.current
      if (element) element.scrollTop = scrollTo(next, total, rowPx, element.scrollTop, size.value.height)
    } else if (event.key === 'Enter' || event.key === ' ') {
      const found = active.value >= 0 ? row(active.value) : undefined
      if (found === undefined || !onPick) return
      onPick(found)
    } else return
    event.preventDefault()
    event.stopPropagation()
  }

  const template = { gridTemplateColumns: columns.map(({ width }) => width).join(' ') }
  return (
    <div class="table" role="grid" aria-label={label} aria-rowcount={total + 1}>
      <div class="row heads" role="row" style={template}>
        {columns.map(({ key, title, right, sort, hint }) => (
          <div
            key={key}
            role="columnheader"
            class={right ? 'right' : ''}
            title={hint}
            aria-sort={sorted?.key === key ? (sorted.descending ? 'descending' : 'ascending') : undefined}
          >
            {sort && onSort ? (
              <button type="button" onClick={() => onSort(key)}>
                {title}
                {sorted?.key === key ? (sorted.descending ? ' ↓' : ' ↑') : ''}
              </button>
            ) : (
              title
            )}
          </div>
        ))}
      </div>
      <div
        class="rows"
        ref={body}
        tabIndex={0}
        onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
        onKeyDown={keys}
        aria-label={label}
        aria-activedescendant={active.value >= 0 ? `${label}-${active.value}` : undefined}
      >
        {total === 0 ? (
          <div class="empty">{props.empty}</div>
        ) : (
          <div style={{ height: `${pool.height}px`, position: 'relative' }}>
            <div style={{ transform: `translateY(${pool.offset}px)` }}>
              {Array.from({ length: pool.count }, (_, i) => {
                const index = pool.first + i
                const item = row(index)
                return (
                  <div
                    // Keyed by place in the pool: scrolling writes into the rows that are there.
                    key={i}
                    id={`${label}-${index}`}
                    role="row"
                    aria-rowindex={index + 2}
                    class={`row${onPick ? ' link' : ''}${item !== undefined && picked?.(item) ? ' picked' : ''}${active.value === index ? ' active' : ''}`}
                    style={template}
                    onClick={() => {
                      active.value = index
                      if (item !== undefined) onPick?.(item)
                    }}
                  >
                    {item === undefined ? (
                      <div role="gridcell" class="muted">
                        …
                      </div>
                    ) : (
                      columns.map(({ key, right, cell }) => (
                        <div key={key} role="gridcell" class={right ? 'right' : ''}>
                          {cell(item)}
                        </div>
                      ))
                    )}
                  </div>
                )
              })}
            </div>
          </div>
        )}
      </div>
    </div>
  )
}
