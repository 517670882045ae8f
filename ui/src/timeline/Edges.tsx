/** What stands around the lanes: the axis of time above them, and the names of who ran them on their left. */
import { formatCount, formatMs, formatShare } from '../look/format.ts'
import { useModel } from '../state/context.ts'
import { lengthOf, tickBase, ticks, toX } from '../time/scale.ts'
import type { layRows } from './rows.ts'

export function Axis({ width }: { readonly width: number }) {
  const model = useModel()
  const view = model.view.value
  const range = model.drafted.value ?? model.range.value
  const base = tickBase(view, width)
  return (
    <>
      <div class="corner" title={base === undefined ? 'How long a stretch is shown' : `Marks count from ${base}`}>
        {base === undefined ? formatMs(lengthOf(view)) : `${base} +`}
      </div>
      <div class="axis">
        {ticks(view, width).map(({ at, label }) => (
          <span key={at} style={{ left: `${toX(view, width, at)}px` }}>
            {label}
          </span>
        ))}
        {range && (
          <b
            style={{
              left: `${Math.min(width - 40, Math.max(40, toX(view, width, (range.from + range.to) / 2)))}px`,
            }}
          >
            {formatMs(lengthOf(range))}
          </b>
        )}
      </div>
    </>
  )
}

export function Gutter({ rows, scroll }: { readonly rows: ReturnType<typeof layRows>; readonly scroll: number }) {
  const model = useModel()
  const use = new Map(model.explanation.value.value?.rows.map((row) => [row.executor, row]))
  const wallMs = model.explanation.value.value?.wallMs ?? 0
  return rows.blocks.map(({ executor, label, top, height, count }) => {
    const row = use.get(executor)
    const busy = row && wallMs > 0 ? row.runningMs / (wallMs * row.slots) : undefined
    return (
      <div key={executor} class="block" style={{ top: `${top - scroll}px`, height: `${height}px` }}>
        <span
          class="name"
          data-lines={count}
          title={`${label}${count > 1 ? `: ${formatCount(count)} lines, one for each task under way at once` : ''}`}
        >
          {label}
        </span>
        {busy !== undefined && (
          <span class="busy" title={`At work ${formatShare(busy)} of the time`}>
            {formatShare(busy)}
          </span>
        )}
        {count > 1 && height > 40 && <span class="slots">{count} lines</span>}
      </div>
    )
  })
}
